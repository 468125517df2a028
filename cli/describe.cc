#include "cli/describe.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/get.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

struct Description {
  Item item;
  Items backends;  // Of a rule.
  std::vector<api::Alert> alerts;
};

// Whether `resource` is `name` or below it: "rules/web/backends/web-1" is of "rules/web".
bool IsOf(const std::string& resource, const std::string& name) {
  return resource == name || resource.rfind(name + "/", 0) == 0;
}

absl::StatusOr<Description> Describe(AdminClient& client, const api::Status& status,
                                     const Item& item) {
  Description description{item, {}, {}};
  for (const api::Alert& alert : status.alerts())
    if (IsOf(alert.resource(), NameOf(item))) description.alerts.push_back(alert);
  if (!std::holds_alternative<api::Rule>(item)) return description;
  LB_ASSIGN_OR_RETURN(const std::vector<api::Backend> backends, client.ListBackends(NameOf(item)));
  description.backends.assign(backends.begin(), backends.end());
  return description;
}

// The columns of the wide table, one below the other.
std::string RenderFields(const Globals& globals, Type type, const Item& item) {
  Table table({{"FIELD"}, {"VALUE"}});
  const std::vector<Column> columns = ColumnsOf(type, true);
  const Row row = RowOf(item, true, ReadClocks().wall);
  for (size_t i = 0; i < columns.size(); ++i) table.Add({{columns[i].title}, row[i]});
  return table.Render({false, globals.color, 0});
}

std::string RenderProblem(const lb::type::v1::Problem& problem) {
  std::string line = absl::StrCat("  ", Escape(problem.code()));
  if (!problem.field().empty()) absl::StrAppend(&line, "  ", Escape(problem.field()));
  absl::StrAppend(&line, "  ", Escape(problem.message()));
  if (!problem.hint().empty()) absl::StrAppend(&line, "; ", Escape(problem.hint()));
  return line + "\n";
}

// What a worker refused, in full: the table shows the first only.
std::string RenderRefusal(const Item& item) {
  const auto* worker = std::get_if<api::Worker>(&item);
  if (worker == nullptr || worker->nack_reason().empty()) return "";
  std::string out = absl::StrCat("\nREFUSED  version ", worker->sent().revision(), ": ",
                                 Escape(worker->nack_reason()), "\n");
  for (const auto& problem : worker->problems()) out += RenderProblem(problem);
  if (worker->has_acked())
    absl::StrAppend(&out, "  version ", worker->acked().revision(), " keeps running\n");
  return out;
}

template <typename Counts>
std::string RenderCounts(const Globals& globals, const char* title, const Counts& counts) {
  if (counts.empty()) return "";
  Table table({{title}, {"COUNT", true}});
  std::map<std::string, uint64_t> sorted;
  for (const auto& [name, count] : counts) sorted.emplace(name, count);
  for (const auto& [name, count] : sorted)
    table.Add({{name.empty() ? "(no route)" : name}, {absl::StrCat(count)}});
  return "\n" + table.Render({true, globals.color, 0});
}

// Handshakes that failed, by reason, and connections by route, of a rule that has any.
std::string RenderTls(const Globals& globals, const Item& item) {
  const auto* rule = std::get_if<api::Rule>(&item);
  if (rule == nullptr) return "";
  return RenderCounts(globals, "FAILED HANDSHAKES", rule->handshake_failures_total()) +
         RenderCounts(globals, "CONNECTIONS BY ROUTE", rule->sni_total());
}

std::string RenderText(const Globals& globals, Type type, const Description& description) {
  std::string out = absl::StrCat(Escape(NameOf(description.item)), "\n",
                                 RenderFields(globals, type, description.item));
  if (!description.backends.empty())
    absl::StrAppend(&out, "\n", RenderTable(globals, Type::kBackend, description.backends));
  out += RenderTls(globals, description.item);
  out += RenderRefusal(description.item);
  if (!description.alerts.empty()) out += "\nALERTS\n";
  for (const api::Alert& alert : description.alerts)
    absl::StrAppend(&out, Paint("!", Tone::kBad, globals.color), " ", Escape(alert.resource()),
                    ": ", Escape(alert.message()), "\n");
  return out;
}

json::object DescriptionJson(Type type, const Description& description) {
  json::array alerts;
  for (const api::Alert& alert : description.alerts) alerts.push_back(ToJson(alert));
  json::object object = {{"kind", ItemKind(type)},
                         {"object", ToJson(description.item)},
                         {"alerts", std::move(alerts)}};
  if (type != Type::kRule) return object;
  json::array backends;
  for (const Item& backend : description.backends) backends.push_back(ToJson(backend));
  object["backends"] = std::move(backends);
  return object;
}

std::string Render(const Globals& globals, Type type, const std::vector<Description>& all) {
  if (globals.output == Output::kJson || globals.output == Output::kYaml) {
    json::array items;
    for (const Description& one : all) items.push_back(DescriptionJson(type, one));
    const json::object list = {{"kind", "DescriptionList"}, {"items", std::move(items)}};
    return globals.output == Output::kJson ? ToPrettyJson(list) : ToYaml(list);
  }
  std::string out;
  for (const Description& one : all)
    absl::StrAppend(&out, out.empty() ? "" : "\n", RenderText(globals, type, one));
  return out;
}

}  // namespace

absl::StatusOr<ExitCode> RunDescribe(const Globals& globals, const Selection& selection) {
  if (selection.names.empty())
    return UsageError(absl::StrCat("a name is missing after ", Plural(selection.type)),
                      absl::StrCat("see: lbctl get ", Plural(selection.type)));
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const Found found, Fetch(*client, selection));
  if (found.items.empty() && found.missing.size() == 1) return found.missing[0].second;
  LB_ASSIGN_OR_RETURN(const api::Status status, client->GetStatus());
  std::vector<Description> all;
  for (const Item& item : found.items) {
    LB_ASSIGN_OR_RETURN(Description description, Describe(*client, status, item));
    all.push_back(std::move(description));
  }
  WriteOut(Render(globals, selection.type, all));
  const bool is_json = globals.output == Output::kJson;
  for (const auto& [name, error] : found.missing)
    WriteErr(is_json ? RenderErrorJson(error) : RenderError(error));
  if (found.items.empty()) return ExitCodeFor(found.missing[0].second);
  return found.missing.empty() ? ExitCode::kDone : ExitCode::kPartly;
}

absl::StatusOr<std::string> DescribeText(const Globals& globals, AdminClient& client, Type type,
                                         const std::string& name) {
  Selection selection;
  selection.type = type;
  selection.names = {name};
  LB_ASSIGN_OR_RETURN(const Found found, Fetch(client, selection));
  if (found.items.empty()) return found.missing.at(0).second;
  LB_ASSIGN_OR_RETURN(const api::Status status, client.GetStatus());
  LB_ASSIGN_OR_RETURN(const Description description, Describe(client, status, found.items[0]));
  Globals plain = globals;
  plain.output = Output::kTable;
  plain.color = false;
  return RenderText(plain, type, description);
}

}  // namespace lb::cli
