#include "controlplane/discovery/json_fields.h"

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

namespace json = boost::json;

// Nothing that is read here is deeper than a tenth of it.
constexpr size_t kMaxDepth = 64;

absl::Status WrongType(std::string_view name, const char* wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::string_view(name.data(), name.size()), "' is not ", wanted));
}

}  // namespace

absl::StatusOr<json::object> ReadObject(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return absl::InvalidArgumentError(absl::StrCat("no JSON: ", error.message()));
  if (!value.is_object()) return absl::InvalidArgumentError("no JSON object");
  return std::move(value.get_object());
}

const json::value* MemberOf(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains({name.data(), name.size()});
  return member == nullptr || member->is_null() ? nullptr : member;
}

absl::StatusOr<std::string> TextOf(const json::object& object, std::string_view name) {
  const json::value* member = MemberOf(object, name);
  if (member == nullptr) return std::string();
  if (!member->is_string()) return WrongType(name, "text");
  return std::string(member->get_string().data(), member->get_string().size());
}

absl::StatusOr<std::optional<bool>> BoolOf(const json::object& object, std::string_view name) {
  const json::value* member = MemberOf(object, name);
  if (member == nullptr) return std::optional<bool>();
  if (!member->is_bool()) return WrongType(name, "true or false");
  return std::optional<bool>(member->get_bool());
}

absl::StatusOr<const json::array*> ArrayOf(const json::object& object, std::string_view name) {
  const json::value* member = MemberOf(object, name);
  if (member == nullptr) return static_cast<const json::array*>(nullptr);
  if (!member->is_array()) return WrongType(name, "a list");
  return &member->get_array();
}

absl::StatusOr<const json::object*> ObjectOf(const json::object& object, std::string_view name) {
  const json::value* member = MemberOf(object, name);
  if (member == nullptr) return static_cast<const json::object*>(nullptr);
  if (!member->is_object()) return WrongType(name, "an object");
  return &member->get_object();
}

}  // namespace lb::controlplane
