// Fields of messages by name, "queue.max" or "attributes.worker", and what stands in them, whatever
// the message is. Filters and orders of lists are made of these. Pure; threading: none.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {

// One value. Enums are their numbers; times and durations are nanoseconds (int64_t).
using FieldValue = std::variant<bool, int64_t, uint64_t, double, std::string>;

class MessageField final {
 public:
  // Most names of a path.
  static constexpr size_t kMaxDepth = 8;

  // Nothing when a name is no field of its message, or the path goes on after a value.
  static std::optional<MessageField> Resolve(const google::protobuf::Descriptor& message,
                                             std::string_view dotted);

  // True when the field is one value that can be compared: no message (but a Timestamp or a
  // Duration), neither repeated nor below something repeated.
  bool IsSingleValue() const;
  // True when it is a message without a value of its own.
  bool IsMessage() const;
  bool IsString() const;

  // Reads a text as a value of this field: an enum by its name, whole or without the prefix of its
  // type; times as RFC 3339; durations as "1.5s". Nothing when it is none.
  std::optional<FieldValue> Parse(const std::string& text) const;

  // Calls `visit` with each value that the field has in a message, until it returns true; returns
  // whether it did. A plain field that was never set has its default; what is below an absent
  // message, or an absent key of a map, has no value.
  bool Any(const google::protobuf::Message& message,
           const std::function<bool(const FieldValue&)>& visit) const;

  // True when the field, or a message below which it stands, is there and not its default.
  bool IsSet(const google::protobuf::Message& message) const;

 private:
  struct Step {
    const google::protobuf::FieldDescriptor* field = nullptr;
    std::optional<std::string> key;  // Of a map.
  };
  const google::protobuf::FieldDescriptor& leaf() const { return *leaf_; }
  bool Visit(const google::protobuf::Message& message, size_t depth,
             const std::function<bool(const FieldValue&)>& visit) const;

  std::vector<Step> steps_;
  const google::protobuf::FieldDescriptor* leaf_ = nullptr;  // Of a map: its value.
};

}  // namespace lb::controlplane
