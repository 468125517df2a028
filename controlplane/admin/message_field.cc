#include "controlplane/admin/message_field.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"

namespace lb::controlplane {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::util::TimeUtil;

bool Is(const FieldDescriptor& field, const Descriptor* type) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == type->full_name();
}

bool IsTime(const FieldDescriptor& field) {
  return Is(field, google::protobuf::Timestamp::descriptor());
}

bool IsDuration(const FieldDescriptor& field) {
  return Is(field, google::protobuf::Duration::descriptor());
}

// "HealthState" gives "HEALTH_STATE_".
std::string PrefixOf(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(static_cast<unsigned char>(c));
  }
  return prefix + "_";
}

std::optional<FieldValue> ParseEnum(const EnumDescriptor& type, const std::string& text) {
  const auto* value = type.FindValueByName(text);
  if (value == nullptr) value = type.FindValueByName(PrefixOf(type) + text);
  if (value == nullptr) return std::nullopt;
  return FieldValue(int64_t{value->number()});
}

// Nanoseconds; times that are too far away for them (the end of a certificate may be in year 9999)
// are the farthest ones.
int64_t Nanoseconds(int64_t seconds, int32_t nanos) {
  constexpr int64_t kNanosPerSecond = 1'000'000'000;
  constexpr int64_t kMaxSeconds = INT64_MAX / kNanosPerSecond - 1;
  return std::clamp(seconds, -kMaxSeconds, kMaxSeconds) * kNanosPerSecond + nanos;
}

std::optional<FieldValue> ParseTime(const FieldDescriptor& field, const std::string& text) {
  if (IsTime(field)) {
    google::protobuf::Timestamp time;
    if (!TimeUtil::FromString(text, &time)) return std::nullopt;
    return FieldValue(Nanoseconds(time.seconds(), time.nanos()));
  }
  google::protobuf::Duration duration;
  if (!TimeUtil::FromString(text, &duration)) return std::nullopt;
  return FieldValue(Nanoseconds(duration.seconds(), duration.nanos()));
}

template <typename Number>
std::optional<FieldValue> ParseNumber(const std::string& text) {
  Number number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return FieldValue(number);
}

// A message field that holds a value: both have seconds and nanoseconds, 1 and 2.
FieldValue ReadTime(const Message& time) {
  const auto* reflection = time.GetReflection();
  const auto* type = time.GetDescriptor();
  return Nanoseconds(reflection->GetInt64(time, type->FindFieldByNumber(1)),
                     reflection->GetInt32(time, type->FindFieldByNumber(2)));
}

// Reads a plain field, or one element of a repeated one when `index` is not negative.
FieldValue Read(const Message& message, const FieldDescriptor& field, int index) {
  const auto* r = message.GetReflection();
  const auto* f = &field;
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return one ? r->GetBool(message, f) : r->GetRepeatedBool(message, f, index);
    case FieldDescriptor::CPPTYPE_INT32:
      return int64_t{one ? r->GetInt32(message, f) : r->GetRepeatedInt32(message, f, index)};
    case FieldDescriptor::CPPTYPE_INT64:
      return one ? r->GetInt64(message, f) : r->GetRepeatedInt64(message, f, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return uint64_t{one ? r->GetUInt32(message, f) : r->GetRepeatedUInt32(message, f, index)};
    case FieldDescriptor::CPPTYPE_UINT64:
      return one ? r->GetUInt64(message, f) : r->GetRepeatedUInt64(message, f, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return double{one ? r->GetFloat(message, f) : r->GetRepeatedFloat(message, f, index)};
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return one ? r->GetDouble(message, f) : r->GetRepeatedDouble(message, f, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return int64_t{one ? r->GetEnumValue(message, f)
                         : r->GetRepeatedEnumValue(message, f, index)};
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? r->GetString(message, f) : r->GetRepeatedString(message, f, index);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  // Of any other message only its presence is asked.
  if (!IsTime(field) && !IsDuration(field)) return true;
  return ReadTime(one ? r->GetMessage(message, f) : r->GetRepeatedMessage(message, f, index));
}

}  // namespace

std::optional<MessageField> MessageField::Resolve(const Descriptor& message,
                                                  std::string_view dotted) {
  MessageField path;
  const std::vector<std::string> names =
      absl::StrSplit(absl::string_view(dotted.data(), dotted.size()), '.');
  if (names.size() > kMaxDepth) return std::nullopt;
  const Descriptor* type = &message;
  for (size_t i = 0; i < names.size(); ++i) {
    if (type == nullptr) return std::nullopt;
    const FieldDescriptor* field = type->FindFieldByName(names[i]);
    if (field == nullptr) return std::nullopt;
    Step step{field, std::nullopt};
    path.leaf_ = field;
    if (field->is_map() && i + 1 < names.size()) {
      const auto* key = field->message_type()->map_key();
      if (key->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return std::nullopt;
      step.key = names[++i];
      path.leaf_ = field->message_type()->map_value();
    }
    type = path.leaf_->message_type();
    path.steps_.push_back(std::move(step));
  }
  return path;
}

bool MessageField::IsMessage() const {
  return leaf().cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsTime(leaf()) &&
         !IsDuration(leaf());
}

bool MessageField::IsString() const { return leaf().cpp_type() == FieldDescriptor::CPPTYPE_STRING; }

bool MessageField::IsSingleValue() const {
  if (IsMessage()) return false;
  for (const Step& step : steps_)
    if (step.field->is_repeated() && !step.key) return false;
  return true;
}

std::optional<FieldValue> MessageField::Parse(const std::string& text) const {
  switch (leaf().cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (text != "true" && text != "false") return std::nullopt;
      return FieldValue(text == "true");
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return ParseNumber<int64_t>(text);
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return ParseNumber<uint64_t>(text);
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!absl::SimpleAtod(text, &number)) return std::nullopt;
      return FieldValue(number);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return ParseEnum(*leaf().enum_type(), text);
    case FieldDescriptor::CPPTYPE_STRING:
      return FieldValue(text);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  if (IsMessage()) return std::nullopt;
  return ParseTime(leaf(), text);
}

bool MessageField::Any(const Message& message,
                       const std::function<bool(const FieldValue&)>& visit) const {
  return Visit(message, 0, visit);
}

bool MessageField::Visit(const Message& message, size_t depth,
                         const std::function<bool(const FieldValue&)>& visit) const {
  const auto* reflection = message.GetReflection();
  const Step& step = steps_[depth];
  const bool last = depth + 1 == steps_.size();
  if (!step.field->is_repeated()) {
    const bool below = step.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (below && !reflection->HasField(message, step.field)) return false;
    if (last) return visit(Read(message, *step.field, -1));
    return Visit(reflection->GetMessage(message, step.field), depth + 1, visit);
  }
  for (int i = 0; i < reflection->FieldSize(message, step.field); ++i) {
    if (!step.key) {
      if (last ? visit(Read(message, *step.field, i))
               : Visit(reflection->GetRepeatedMessage(message, step.field, i), depth + 1, visit))
        return true;
      continue;
    }
    const Message& entry = reflection->GetRepeatedMessage(message, step.field, i);
    const auto* type = entry.GetDescriptor();
    if (entry.GetReflection()->GetString(entry, type->map_key()) != *step.key) continue;
    if (last) return visit(Read(entry, *type->map_value(), -1));
    return Visit(entry.GetReflection()->GetMessage(entry, type->map_value()), depth + 1, visit);
  }
  return false;
}

bool MessageField::IsSet(const Message& message) const {
  const Message* at = &message;
  for (const Step& step : steps_) {
    const auto* reflection = at->GetReflection();
    // Below something repeated, one value is enough.
    if (step.field->is_repeated()) return Any(message, [](const FieldValue&) { return true; });
    if (!reflection->HasField(*at, step.field)) return false;
    if (&step != &steps_.back()) at = &reflection->GetMessage(*at, step.field);
  }
  return true;
}

}  // namespace lb::controlplane
