#include "controlplane/membership/lzw.h"

#include <array>

namespace lb::controlplane::swim {
namespace {

using namespace lzw;

constexpr uint32_t kCodes = 1 << kMaxWidth;

// Takes codes off the packed bytes.
class CodeReader {
 public:
  explicit CodeReader(std::string_view bytes) : bytes_(bytes) {}

  // False where the bytes are over.
  bool Next(uint32_t width, uint32_t& code) {
    while (held_ < width) {
      if (at_ == bytes_.size()) return false;
      bits_ |= uint32_t{static_cast<uint8_t>(bytes_[at_++])} << held_;
      held_ += 8;
    }
    code = bits_ & ((1u << width) - 1);
    bits_ >>= width;
    held_ -= width;
    return true;
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
  uint32_t bits_ = 0;
  uint32_t held_ = 0;  // Bits in `bits_`.
};

// The strings that codes stand for: each is an older one and a byte.
class Strings {
 public:
  void Clear() {
    width_ = kMinWidth;
    highest_ = kEnd;
    has_last_ = false;
  }

  uint32_t width() const { return width_; }

  // Appends what `code`, which is neither kClear nor kEnd, stands for. False where it has no
  // meaning yet.
  bool Append(uint32_t code, std::string& out) {
    const bool own = code == highest_ && has_last_;  // The very string that is being made.
    if (!own && code > highest_) return false;
    const size_t begin = out.size();
    Spell(own ? last_ : code, out);
    const char first = out[begin];
    if (own) out.push_back(first);
    if (has_last_) strings_[highest_] = {static_cast<uint16_t>(last_), first};
    last_ = code;
    has_last_ = true;
    Grow();
    return true;
  }

 private:
  struct String {
    uint16_t prefix = 0;
    char byte = 0;
  };

  // Every prefix is smaller than its code, so this ends.
  void Spell(uint32_t code, std::string& out) const {
    std::array<char, kCodes> reversed;
    size_t length = 0;
    while (code >= kClear) {
      reversed[length++] = strings_[code].byte;
      code = strings_[code].prefix;
    }
    out.push_back(static_cast<char>(code));
    while (length > 0) out.push_back(reversed[--length]);
  }

  void Grow() {
    ++highest_;
    if (highest_ < 1u << width_) return;
    if (width_ < kMaxWidth) {
      ++width_;
      return;
    }
    --highest_;  // Full: no more strings until kClear.
    has_last_ = false;
  }

  std::array<String, kCodes> strings_{};
  uint32_t width_ = kMinWidth;
  uint32_t highest_ = kEnd;  // The code that the next string gets.
  uint32_t last_ = 0;
  bool has_last_ = false;
};

}  // namespace

std::optional<std::string> LzwUnpack(std::string_view packed, size_t max_bytes) {
  CodeReader codes(packed);
  Strings strings;
  std::string out;
  uint32_t code = 0;
  while (codes.Next(strings.width(), code)) {
    if (code == kEnd) return out;
    if (code == kClear) {
      strings.Clear();
      continue;
    }
    if (!strings.Append(code, out) || out.size() > max_bytes) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace lb::controlplane::swim
