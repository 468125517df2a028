#include "cli/jsonpath.h"

#include <boost/json.hpp>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "cli/exit_code.h"
#include "cli/json.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

using Values = std::vector<const json::value*>;

absl::Status Bad(std::string_view expression) {
  return UsageError(absl::StrCat("-o jsonpath: cannot read '{", Escape(expression), "}'"),
                    "write {.items[*].name}: fields, [N] and [*]");
}

void SelectField(std::string_view field, const Values& from, Values& to) {
  for (const json::value* value : from) {
    const json::object* object = value->if_object();
    if (object == nullptr) continue;
    const auto found = object->find({field.data(), field.size()});
    if (found != object->end()) to.push_back(&found->value());
  }
}

// `index` is "*" or a number.
bool SelectIndex(std::string_view index, const Values& from, Values& to) {
  size_t at = 0;
  const bool all = index == "*";
  if (!all && !absl::SimpleAtoi(absl::string_view(index.data(), index.size()), &at)) return false;
  for (const json::value* value : from) {
    const json::array* array = value->if_array();
    if (array == nullptr) continue;
    for (size_t i = 0; i < array->size(); ++i)
      if (all || i == at) to.push_back(&(*array)[i]);
  }
  return true;
}

std::string Show(const json::value& value) {
  const json::string* text = value.if_string();
  return text == nullptr ? ToCompactJson(value) : Escape({text->data(), text->size()});
}

std::string Unquote(std::string_view text) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                             {{"\\n", "\n"}, {"\\t", "\t"}});
}

// What one pair of braces gives.
absl::StatusOr<std::string> EvaluateOne(const std::string& expression, const json::value& root) {
  std::string_view rest = expression;
  if (rest.size() >= 2 && rest.front() == '"' && rest.back() == '"')
    return Unquote(rest.substr(1, rest.size() - 2));
  if (rest.empty() || (rest[0] != '.' && rest[0] != '[')) return Bad(expression);
  Values values = {&root};
  if (rest == ".") rest = "";
  while (!rest.empty()) {
    Values next;
    const bool field = rest[0] == '.';
    const size_t end = field ? rest.find_first_of(".[", 1) : rest.find(']');
    const std::string_view part = rest.substr(1, end == std::string_view::npos ? end : end - 1);
    if (part.empty()) return Bad(expression);
    if (field) {
      SelectField(part, values, next);
    } else if (rest[0] != '[' || end == std::string_view::npos ||
               !SelectIndex(part, values, next)) {
      return Bad(expression);
    }
    rest = end == std::string_view::npos ? "" : rest.substr(field ? end : end + 1);
    values = std::move(next);
  }
  return absl::StrJoin(
      values, " ", [](std::string* out, const json::value* value) { out->append(Show(*value)); });
}

}  // namespace

absl::Status CheckJsonPath(std::string_view path) {
  return EvaluateJsonPath(path, json::value()).status();
}

absl::StatusOr<std::string> EvaluateJsonPath(std::string_view path, const json::value& value) {
  if (path.empty() || path.size() > kJsonPathBytesMax)
    return UsageError(absl::StrCat("-o jsonpath: the template has ", path.size(), " bytes; 1 to ",
                                   kJsonPathBytesMax, " are allowed"));
  std::string out;
  while (!path.empty()) {
    const size_t open = path.find('{');
    out += path.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = path.find('}', open);
    if (close == std::string_view::npos) return UsageError("-o jsonpath: a '{' has no '}'");
    LB_ASSIGN_OR_RETURN(const std::string part,
                        EvaluateOne(std::string(path.substr(open + 1, close - open - 1)), value));
    out += part;
    path = path.substr(close + 1);
  }
  return out;
}

}  // namespace lb::cli
