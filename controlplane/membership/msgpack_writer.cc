#include "controlplane/membership/msgpack_writer.h"

#include "base/check.h"

namespace lb::controlplane::swim {
namespace {

constexpr uint32_t kFixMap = 0x80;
constexpr uint32_t kFixArray = 0x90;
constexpr uint32_t kFixRaw = 0xa0;
constexpr uint32_t kNil = 0xc0;
constexpr uint32_t kFalse = 0xc2;
constexpr uint32_t kTrue = 0xc3;
constexpr uint32_t kUnsigned8 = 0xcc;
constexpr uint32_t kUnsigned16 = 0xcd;
constexpr uint32_t kUnsigned32 = 0xce;
constexpr uint32_t kUnsigned64 = 0xcf;
constexpr uint32_t kRaw16 = 0xda;
constexpr uint32_t kRaw32 = 0xdb;

// What fits into a type byte.
constexpr size_t kMaxFixMap = 15;
constexpr size_t kMaxFixArray = 15;
constexpr size_t kMaxFixRaw = 31;
constexpr uint32_t kMaxFixNumber = 0x7f;

}  // namespace

void MsgpackWriter::Map(size_t pairs) {
  LB_CHECK(pairs <= kMaxFixMap);
  Byte(kFixMap | static_cast<uint32_t>(pairs));
}

void MsgpackWriter::Array(size_t items) {
  LB_CHECK(items <= kMaxFixArray);
  Byte(kFixArray | static_cast<uint32_t>(items));
}

void MsgpackWriter::Text(std::string_view text) {
  LB_CHECK(text.size() <= UINT32_MAX);
  const auto length = static_cast<uint32_t>(text.size());
  if (length <= kMaxFixRaw) {
    Byte(kFixRaw | length);
  } else if (length <= UINT16_MAX) {
    Byte(kRaw16);
    BigEndian(length, 2);
  } else {
    Byte(kRaw32);
    BigEndian(length, 4);
  }
  out_.append(text);
}

void MsgpackWriter::Bytes(std::string_view bytes) {
  if (bytes.empty()) return Byte(kNil);
  Text(bytes);
}

void MsgpackWriter::Unsigned(uint64_t number) {
  if (number <= kMaxFixNumber) {
    Byte(static_cast<uint32_t>(number));
  } else if (number <= UINT8_MAX) {
    Byte(kUnsigned8);
    BigEndian(number, 1);
  } else if (number <= UINT16_MAX) {
    Byte(kUnsigned16);
    BigEndian(number, 2);
  } else if (number <= UINT32_MAX) {
    Byte(kUnsigned32);
    BigEndian(number, 4);
  } else {
    Byte(kUnsigned64);
    BigEndian(number, 8);
  }
}

void MsgpackWriter::Bool(bool value) { Byte(value ? kTrue : kFalse); }

void MsgpackWriter::BigEndian(uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    Byte(static_cast<uint32_t>(number >> shift & 0xff));
}

}  // namespace lb::controlplane::swim
