// Filters of lists: a subset of AIP-160 that works on every message.
//
//   filter = [ term *( "AND" term ) ]
//   term   = field op value
//   field  = name *( "." name )              a field of the item, or the key of a map
//   op     = "=" / "!=" / "<" / "<=" / ">" / ">=" / ":"
//   value  = word / quoted                   enum by name; time as RFC 3339; duration as "1.5s"
//
// ":" asks whether a text contains the value, or whether a field is set at all ("queue:*"). A
// repeated field matches when one of its values does. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/message_field.h"

namespace lb::controlplane {

class Filter final {
 public:
  static constexpr size_t kMaxBytes = 2048;
  static constexpr size_t kMaxTerms = 16;

  // Reads a filter for items of this type; "" matches all. InvalidArgument FILTER_INVALID names the
  // column, and the field or value that is wrong.
  static Outcome<Filter> Parse(std::string_view text, const google::protobuf::Descriptor& item);

  bool Matches(const google::protobuf::Message& item) const;

 private:
  enum class Op : uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kHas,
    kIsSet
  };
  struct Term {
    MessageField path;
    Op op;
    FieldValue value;
  };
  class Parser;

  static bool Holds(const Term& term, const google::protobuf::Message& item);

  std::vector<Term> terms_;
};

}  // namespace lb::controlplane
