#include "controlplane/membership/lzw_encoder.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "controlplane/membership/lzw.h"
#include "controlplane/membership/message_type.h"
#include "controlplane/membership/msgpack_writer.h"

namespace lb::controlplane::swim {
namespace {

using namespace lzw;

// Go clears the table one code before the last one.
constexpr uint32_t kLastCode = (1 << kMaxWidth) - 1;
constexpr size_t kStrings = size_t{1} << kMaxWidth << 8;

class Encoder {
 public:
  std::string Encode(std::string_view bytes) {
    Put(kClear);
    if (!bytes.empty()) Codes(bytes);
    Put(kEnd);
    if (held_ > 0) out_.push_back(static_cast<char>(bits_ & 0xff));
    return std::move(out_);
  }

 private:
  void Codes(std::string_view bytes) {
    uint32_t code = static_cast<uint8_t>(bytes[0]);
    for (const char c : bytes.substr(1)) {
      const size_t longer = size_t{code} << 8 | static_cast<uint8_t>(c);
      if (codes_[longer] != 0) {
        code = codes_[longer];
        continue;
      }
      Put(code);
      code = static_cast<uint8_t>(c);
      if (Grow()) codes_[longer] = static_cast<uint16_t>(highest_);
    }
    Put(code);
    Grow();
  }

  // False where the table was cleared instead.
  bool Grow() {
    ++highest_;
    if (highest_ == 1u << width_) ++width_;
    if (highest_ != kLastCode) return true;
    Put(kClear);
    width_ = kMinWidth;
    highest_ = kEnd;
    codes_.assign(kStrings, 0);
    return false;
  }

  void Put(uint32_t code) {
    bits_ |= code << held_;
    for (held_ += width_; held_ >= 8; held_ -= 8) {
      out_.push_back(static_cast<char>(bits_ & 0xff));
      bits_ >>= 8;
    }
  }

  std::string out_;
  uint32_t bits_ = 0;
  uint32_t held_ = 0;  // Bits in `bits_`.
  uint32_t width_ = kMinWidth;
  uint32_t highest_ = kEnd;
  // Of a code and one more byte: their own code, or 0.
  std::vector<uint16_t> codes_ = std::vector<uint16_t>(kStrings);
};

}  // namespace

std::string LzwPack(std::string_view bytes) { return Encoder().Encode(bytes); }

std::string Compressed(std::string_view bytes) {
  MsgpackWriter out(std::string(1, TypeByte(MessageType::kCompressed)));
  out.Map(2);
  out.Text("Algo");
  out.Unsigned(0);
  out.Text("Buf");
  out.Bytes(LzwPack(bytes));
  return out.Take();
}

}  // namespace lb::controlplane::swim
