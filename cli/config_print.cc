#include "cli/config_print.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/age.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

using Progress = api::Rollout::WorkerProgress;

std::string ChangeLine(const api::Change& change, bool color) {
  std::string line;
  switch (change.action()) {
    case api::Change::ACTION_CREATE:
      line = absl::StrCat(Paint("+", Tone::kGood, color), " ", Escape(change.resource()), "  ",
                          Escape(change.new_value()));
      break;
    case api::Change::ACTION_DELETE:
      line = absl::StrCat(Paint("-", Tone::kBad, color), " ", Escape(change.resource()), "  ",
                          Escape(change.old_value()));
      break;
    default:
      line = absl::StrCat(Paint("~", Tone::kWarning, color), " ", Escape(change.resource()), "  ",
                          Escape(change.field()), ": ",
                          change.old_value().empty() ? "-" : Escape(change.old_value()), " -> ",
                          change.new_value().empty() ? "-" : Escape(change.new_value()));
  }
  absl::StrAppend(&line, "  (", Escape(change.effect()));
  if (change.connections_affected() > 0)
    absl::StrAppend(&line, "; ", change.connections_affected(), " drain");
  if (change.connections_staying() > 0)
    absl::StrAppend(&line, "; ", change.connections_staying(), " stay");
  return line + ")\n";
}

// "file" of SOURCE_FILE.
std::string SourceOf(const api::Config& config) {
  std::string name = api::Config::Source_Name(config.source());
  name = absl::AsciiStrToLower(name.substr(std::min(name.size(), sizeof("SOURCE_") - 1)));
  return absl::StrReplaceAll(name, {{"_", " "}});
}

int64_t SecondsLeft(const api::Config& config, WallTime now) {
  return config.confirm_deadline_time().seconds() -
         std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

std::string ProblemLine(const lb::type::v1::Problem& problem) {
  std::string line = "    ";
  if (problem.line() > 0)
    absl::StrAppend(&line, Escape(problem.file()), ":", problem.line(), ":", problem.column(),
                    ": ");
  if (!problem.field().empty()) absl::StrAppend(&line, Escape(problem.field()), ": ");
  return absl::StrCat(line, Escape(problem.message()), "\n");
}

}  // namespace

std::string RenderChanges(const google::protobuf::RepeatedPtrField<api::Change>& changes,
                          uint32_t total, bool color) {
  std::string out;
  for (const api::Change& change : changes) out += ChangeLine(change, color);
  const auto listed = static_cast<uint32_t>(changes.size());
  if (total > listed) absl::StrAppend(&out, "... ", total - listed, " more changes\n");
  return out;
}

std::string RenderPlan(const api::PlanConfigResponse& plan, bool color) {
  if (plan.changes_total() == 0) return "no changes\n";
  return absl::StrCat(RenderChanges(plan.changes(), plan.changes_total(), color),
                      plan.changes_total(), plan.changes_total() == 1 ? " change" : " changes",
                      " against revision ", plan.running().revision(), "; ", plan.rules_unchanged(),
                      " rules unchanged; ", plan.connections(),
                      " connections are open, none is closed\n");
}

std::string RenderRollout(const api::Rollout& rollout, bool color) {
  std::string out =
      absl::StrCat("revision ", rollout.config().revision(), ": ", rollout.workers_done(),
                   rollout.workers_done() == 1 ? " worker runs it, " : " workers run it, ",
                   rollout.workers_refused(), " refused it, ", rollout.workers_pending(),
                   " have yet to answer\n");
  for (const Progress& worker : rollout.workers()) {
    const std::string name = Progress::State_Name(worker.state());
    const std::string state = name.substr(std::min(name.size(), sizeof("STATE_") - 1));
    const Tone tone = worker.state() == Progress::STATE_DONE      ? Tone::kGood
                      : worker.state() == Progress::STATE_REFUSED ? Tone::kBad
                                                                  : Tone::kWarning;
    absl::StrAppend(&out, "  ", Escape(worker.name()), "  ", Paint(state, tone, color));
    if (!worker.reason().empty()) absl::StrAppend(&out, "  ", Escape(worker.reason()));
    out += '\n';
    for (const auto& problem : worker.problems()) out += ProblemLine(problem);
  }
  return out;
}

std::string RenderConfigs(const Globals& globals, const std::vector<api::Config>& configs,
                          WallTime now) {
  const bool wide = globals.output == Output::kWide;
  std::vector<Column> columns = {
      {"REVISION", true}, {"STATE"}, {"AGE", true, true}, {"SOURCE"}, {"AUTHOR"}};
  // Whole, as --etag takes it, or not at all.
  if (wide) columns.push_back({"ETAG"});
  columns.push_back({"MESSAGE"});
  Table table(std::move(columns));
  for (const api::Config& config : configs) {
    const std::string state = config.has_confirm_deadline_time() ? "UNCONFIRMED"
                              : config.running()                 ? "RUNNING"
                                                                 : "";
    Row row = {{absl::StrCat(config.revision())},
               {state, config.has_confirm_deadline_time() ? Tone::kWarning : Tone::kGood},
               {AgeOf(config.create_time(), now)},
               {SourceOf(config)},
               {config.author()}};
    if (wide) row.push_back({config.etag()});
    row.push_back({config.message()});
    table.Add(std::move(row));
  }
  return table.Render({globals.headers, globals.color, wide ? 0 : StdoutSize().columns});
}

std::string DescribeApplied(const api::ApplyConfigResponse& applied, bool dry_run, WallTime now) {
  const api::Config& config = applied.config();
  if (applied.unchanged())
    return absl::StrCat("unchanged: revision ", config.revision(), " runs already\n");
  if (dry_run)
    return absl::StrCat("dry run: it would become a new revision; revision ", config.revision(),
                        " keeps running\n");
  std::string out = absl::StrCat("revision ", config.revision(),
                                 " is accepted; workers take it now: lbctl rollout status\n");
  if (config.has_confirm_deadline_time())
    absl::StrAppend(&out, "not confirmed: the one before comes back in ", SecondsLeft(config, now),
                    " s; keep this one with: lbctl confirm ", config.revision(), "\n");
  return out;
}

}  // namespace lb::cli
