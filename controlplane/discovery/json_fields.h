// Members of JSON objects by name and type. Pure; threading: none.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb::controlplane {

// Parses one object of at most a fixed depth. InvalidArgument otherwise.
absl::StatusOr<boost::json::object> ReadObject(std::string_view json);

// The member `name`; nullptr when it is absent or null.
const boost::json::value* MemberOf(const boost::json::object& object, std::string_view name);

// The member `name` where it is of that type. Absent and null: the empty value. InvalidArgument
// names a member of another type.
absl::StatusOr<std::string> TextOf(const boost::json::object& object, std::string_view name);
absl::StatusOr<std::optional<bool>> BoolOf(const boost::json::object& object,
                                           std::string_view name);
absl::StatusOr<const boost::json::array*> ArrayOf(const boost::json::object& object,
                                                  std::string_view name);
absl::StatusOr<const boost::json::object*> ObjectOf(const boost::json::object& object,
                                                    std::string_view name);

}  // namespace lb::controlplane
