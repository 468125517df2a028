#include "cli/get.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/json.h"
#include "cli/jsonpath.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

json::object ToListJson(Type type, const Found& found) {
  json::array items;
  items.reserve(found.items.size());
  for (const Item& item : found.items) items.push_back(ToJson(item));
  json::object list;
  list["kind"] = ListKind(type);
  list["items"] = std::move(items);
  if (found.missing.empty()) return list;
  json::array errors;
  for (const auto& [name, status] : found.missing)
    errors.push_back({{"name", name},
                      {"code", absl::StatusCodeToString(status.code())},
                      {"message", std::string(status.message())}});
  list["errors"] = std::move(errors);
  return list;
}

absl::StatusOr<std::string> Render(const Globals& globals, Type type, const Found& found) {
  switch (globals.output) {
    case Output::kJson:
      return ToPrettyJson(ToListJson(type, found));
    case Output::kYaml:
      return ToYaml(ToListJson(type, found));
    case Output::kName: {
      std::string out;
      for (const Item& item : found.items) absl::StrAppend(&out, Escape(NameOf(item)), "\n");
      return out;
    }
    case Output::kJsonPath: {
      LB_ASSIGN_OR_RETURN(std::string out,
                          EvaluateJsonPath(globals.jsonpath, ToListJson(type, found)));
      return out + "\n";
    }
    default:
      // A header over nothing looks like a failure; say it in words, on stderr.
      return found.items.empty() ? std::string() : RenderTable(globals, type, found.items);
  }
}

}  // namespace

std::string RenderTable(const Globals& globals, Type type, const Items& items) {
  const bool wide = globals.output == Output::kWide;
  Table table(ColumnsOf(type, wide));
  const WallTime now = ReadClocks().wall;
  for (const Item& item : items) table.Add(RowOf(item, wide, now));
  return table.Render({globals.headers, globals.color, StdoutIsTty() ? StdoutSize().columns : 0});
}

absl::StatusOr<ExitCode> RunGet(const Globals& globals, const Selection& selection) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const Found found, Fetch(*client, selection));
  const bool nothing_found = found.items.empty() && !found.missing.empty();
  // One missing name alone is a plain failure: no half-empty list on stdout.
  if (nothing_found && found.missing.size() == 1) return found.missing[0].second;
  LB_ASSIGN_OR_RETURN(const std::string text, Render(globals, selection.type, found));
  WriteOut(text);
  const bool is_json = globals.output == Output::kJson;
  for (const auto& [name, status] : found.missing)
    WriteErr(is_json ? RenderErrorJson(status) : RenderError(status));
  if (nothing_found) return ExitCodeFor(found.missing[0].second);
  if (!found.missing.empty()) return ExitCode::kPartly;
  const bool says_nothing = found.items.empty() && globals.output != Output::kJson &&
                            globals.output != Output::kYaml &&
                            globals.output != Output::kJsonPath && !globals.quiet;
  if (says_nothing) WriteErr(absl::StrCat("no ", Plural(selection.type), "\n"));
  return ExitCode::kDone;
}

}  // namespace lb::cli
