#include "controlplane/membership/msgpack_head.h"

#include <array>

namespace lb::controlplane::swim {
namespace {

using Kind = MsgpackHead::Kind;

// What the number behind a type byte means.
enum class Use : uint8_t { kBad, kValue, kUnsigned, kSigned, kSkipped, kText, kMap, kArray, kExt };

struct Form {
  Use use;
  uint8_t width;  // Of the number; of what is skipped.
};

// The type bytes from 0xc0 to 0xdf; all others have their number in the type byte.
constexpr uint8_t kFirstForm = 0xc0;
constexpr std::array<Form, 32> kForms = {{
    {Use::kValue, 0},    {Use::kBad, 0},      {Use::kValue, 0},    {Use::kValue, 0},
    {Use::kText, 1},     {Use::kText, 2},     {Use::kText, 4},     {Use::kExt, 1},
    {Use::kExt, 2},      {Use::kExt, 4},      {Use::kSkipped, 4},  {Use::kSkipped, 8},
    {Use::kUnsigned, 1}, {Use::kUnsigned, 2}, {Use::kUnsigned, 4}, {Use::kUnsigned, 8},
    {Use::kSigned, 1},   {Use::kSigned, 2},   {Use::kSigned, 4},   {Use::kSigned, 8},
    {Use::kSkipped, 2},  {Use::kSkipped, 3},  {Use::kSkipped, 5},  {Use::kSkipped, 9},
    {Use::kSkipped, 17}, {Use::kText, 1},     {Use::kText, 2},     {Use::kText, 4},
    {Use::kArray, 2},    {Use::kArray, 4},    {Use::kMap, 2},      {Use::kMap, 4},
}};

// Heads whose number is a part of the type byte.
MsgpackHead ShortHead(uint8_t type) {
  constexpr uint8_t kFixMap = 0x80;
  constexpr uint8_t kFixArray = 0x90;
  constexpr uint8_t kFixRaw = 0xa0;
  if (type < kFixMap) return {.kind = Kind::kUnsigned, .number = type, .bytes = 1};
  if (type < kFixArray) {
    return {.kind = Kind::kMap, .bytes = 1, .children = 2 * uint64_t{type & 0x0fu}};
  }
  if (type < kFixRaw) return {.kind = Kind::kArray, .bytes = 1, .children = type & 0x0fu};
  if (type < kFirstForm) return {.kind = Kind::kText, .bytes = 1, .payload = type & 0x1fu};
  return {.kind = Kind::kNegative, .bytes = 1};
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<uint8_t>(c);
  return number;
}

MsgpackHead LongHead(const Form& form, uint64_t number) {
  MsgpackHead head{.number = number, .bytes = size_t{1} + form.width};
  switch (form.use) {
    case Use::kUnsigned:
      head.kind = Kind::kUnsigned;
      break;
    case Use::kSigned:
      head.kind = number >> (8 * form.width - 1) != 0 ? Kind::kNegative : Kind::kUnsigned;
      break;
    case Use::kText:
      head.kind = Kind::kText;
      head.payload = number;
      break;
    case Use::kExt:  // Its own type byte stands between the length and the bytes.
      head.kind = Kind::kOther;
      head.payload = number + 1;
      break;
    case Use::kMap:
      head.kind = Kind::kMap;
      head.children = 2 * number;
      break;
    case Use::kArray:
      head.kind = Kind::kArray;
      head.children = number;
      break;
    default:
      break;
  }
  return head;
}

}  // namespace

MsgpackRead ReadMsgpackHead(std::string_view bytes, MsgpackHead& head) {
  if (bytes.empty()) return MsgpackRead::kCut;
  const auto type = static_cast<uint8_t>(bytes[0]);
  if (type < kFirstForm || type >= kFirstForm + kForms.size()) {
    head = ShortHead(type);
    return MsgpackRead::kOk;
  }
  const Form& form = kForms[type - kFirstForm];
  if (form.use == Use::kBad) return MsgpackRead::kBad;
  if (form.use == Use::kValue) {
    constexpr uint8_t kNil = 0xc0;
    constexpr uint8_t kTrue = 0xc3;
    head = {.kind = type == kNil ? Kind::kNil : Kind::kBool, .number = type == kTrue, .bytes = 1};
    return MsgpackRead::kOk;
  }
  if (form.use == Use::kSkipped) {
    head = {.kind = Kind::kOther, .bytes = 1, .payload = form.width};
    return MsgpackRead::kOk;
  }
  if (bytes.size() <= form.width) return MsgpackRead::kCut;
  head = LongHead(form, BigEndian(bytes.substr(1, form.width)));
  return MsgpackRead::kOk;
}

}  // namespace lb::controlplane::swim
