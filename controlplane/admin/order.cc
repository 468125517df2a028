#include "controlplane/admin/order.h"

#include <bit>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/overloaded.h"

namespace lb::controlplane {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

Failure Bad(const std::string& what) { return FieldFailure("order_by", what, "ORDER_BY_INVALID"); }

std::string BigEndian(uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>((number >> shift) & 0xff);
  return bytes;
}

// Negative numbers below positive ones: IEEE 754's order is that of its bits once the sign is
// turned, and those of negative ones all.
uint64_t BitsInOrder(double number) {
  const auto bits = std::bit_cast<uint64_t>(number);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

// A text ends with two zero bytes and a zero inside is followed by 0xff, so that neither its length
// nor what comes after it changes the order.
std::string Ended(const std::string& text) {
  std::string bytes;
  for (const char c : text) {
    bytes += c;
    if (c == '\0') bytes += '\xff';
  }
  bytes.append(2, '\0');
  return bytes;
}

std::string Encode(const FieldValue& value) {
  return std::visit(
      Overloaded{[](bool flag) { return std::string(1, flag ? '\1' : '\0'); },
                 [](int64_t number) { return BigEndian(static_cast<uint64_t>(number) ^ kSign); },
                 [](uint64_t number) { return BigEndian(number); },
                 [](double number) { return BigEndian(BitsInOrder(number)); },
                 [](const std::string& text) { return Ended(text); }},
      value);
}

}  // namespace

Outcome<Order> Order::Parse(std::string_view text, const google::protobuf::Descriptor& item) {
  Order order;
  const absl::string_view all =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  if (all.empty()) return order;
  for (const absl::string_view part : absl::StrSplit(all, ',')) {
    const std::vector<std::string> words =
        absl::StrSplit(part, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.empty() || words.size() > 2 ||
        (words.size() == 2 && words[1] != "desc" && words[1] != "asc"))
      return Bad(absl::StrCat("'", part, "' is not 'FIELD' or 'FIELD desc'"));
    std::optional<MessageField> path = MessageField::Resolve(item, words[0]);
    if (!path) return Bad(absl::StrCat("'", words[0], "' is no field of ", item.name()));
    if (!path->IsSingleValue()) return Bad(absl::StrCat("'", words[0], "' is not one value"));
    if (order.fields_.size() == kMaxFields) return Bad(absl::StrCat("more than ", kMaxFields));
    order.fields_.push_back({*std::move(path), words.size() == 2 && words[1] == "desc"});
  }
  return order;
}

std::string Order::KeyOf(const google::protobuf::Message& item, std::string_view place) const {
  std::string key;
  for (const Field& field : fields_) {
    std::string part(1, '\0');  // Without a value: before those with one.
    field.path.Any(item, [&](const FieldValue& value) {
      part = '\1' + Encode(value);
      return true;
    });
    for (char& c : part)
      if (field.descending) c = static_cast<char>(~c);
    key += part;
  }
  key += place;
  return key;
}

}  // namespace lb::controlplane
