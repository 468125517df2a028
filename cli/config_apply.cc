#include "cli/config_apply.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/config.h"
#include "cli/config_client.h"
#include "cli/config_print.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/text_diff.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

bool IsStructured(const Globals& globals) {
  return globals.output == Output::kJson || globals.output == Output::kYaml;
}

// A message in the form that -o asks for; `text` is for people.
void Print(const Globals& globals, const char* kind, const google::protobuf::Message& message,
           const std::string& text) {
  if (!IsStructured(globals)) return WriteOut(text);
  boost::json::object object = {{"kind", kind}};
  const boost::json::value all = ToJson(message);
  for (const auto& member : all.as_object()) object[member.key()] = member.value();
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(object) : ToYaml(object));
}

// Findings of a command for which exit code 1 says that something differs.
absl::Status NotDiffering(absl::Status status) {
  if (!status.ok() && ExitCodeFor(status) == ExitCode::kFindings)
    SetExitCode(status, ExitCode::kUsage);
  return status;
}

// A configuration is printed byte for byte, so that it can be kept; a terminal takes no orders from
// it.
std::string ForOutput(const std::string& text) { return StdoutIsTty() ? EscapeLines(text) : text; }

void Note(const Globals& globals, const std::string& text) {
  if (!globals.quiet) WriteErr(text);
}

// "configs/7" of "7" and of itself; "" stays.
absl::StatusOr<std::string> ConfigName(const std::string& revision) {
  if (revision.empty()) return revision;
  uint64_t number = 0;
  const std::string digits = absl::StartsWith(revision, "configs/") ? revision.substr(8) : revision;
  if (absl::SimpleAtoi(digits, &number)) return absl::StrCat("configs/", number);
  return UsageError(absl::StrCat("'", revision, "' is no revision; write 7 or configs/7"),
                    "see: lbctl config list");
}

void SetDuration(std::chrono::milliseconds time, google::protobuf::Duration& out) {
  out.set_seconds(time.count() / 1000);
  out.set_nanos(static_cast<int32_t>(time.count() % 1000) * 1'000'000);
}

void NoteWarnings(const Globals& globals, const api::ApplyConfigResponse& applied) {
  for (const auto& problem : applied.problems())
    Note(globals, absl::StrCat("warning: ", Escape(problem.file()), ":", problem.line(), ":",
                               problem.column(), ": ", Escape(problem.code()), ": ",
                               Escape(problem.message()), "\n"));
}

// Follows the rollout on stderr until all workers have answered; kFindings when one refused or
// `wait` was too short.
absl::StatusOr<ExitCode> Follow(const Globals& globals, ConfigClient& client,
                                std::chrono::milliseconds wait, api::Rollout& last) {
  const absl::Status status =
      client.WatchRollout(wait, [&](const api::Rollout& rollout) { last = rollout; });
  if (absl::IsDeadlineExceeded(status)) {
    Note(globals, "not all workers have answered in time\n");
    return ExitCode::kFindings;
  }
  LB_RETURN_IF_ERROR(status);
  return last.workers_refused() > 0 ? ExitCode::kFindings : ExitCode::kDone;
}

absl::StatusOr<ExitCode> FollowApplied(const Globals& globals, ConfigClient& client,
                                       std::chrono::milliseconds wait) {
  api::Rollout rollout;
  LB_ASSIGN_OR_RETURN(const ExitCode code, Follow(globals, client, wait, rollout));
  Note(globals, RenderRollout(rollout, false));
  return code;
}

absl::Status Ask(const std::string& question) {
  WriteErr(question + " [y/N] ");
  const std::string answer = absl::AsciiStrToLower(ReadLine());
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return UsageError("nothing was changed: the answer was not yes");
}

// What the content of one revision becomes.
void NoteDiff(const Globals& globals, const api::Config& from, const api::Config& to) {
  const std::string diff = UnifiedDiff(from.name(), from.content(), to.name(), to.content());
  Note(globals, StderrIsTty() ? EscapeLines(diff) : diff);
}

absl::StatusOr<api::Config> GetRevision(ConfigClient& client, const std::string& revision) {
  LB_ASSIGN_OR_RETURN(const std::string name, ConfigName(revision));
  return client.Get(name.empty() ? "configs/-" : name);
}

}  // namespace

absl::StatusOr<ExitCode> RunApply(const Globals& globals, const ApplyOptions& options) {
  api::ApplyConfigRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_content(), ReadConfigText(options.file));
  request.set_etag(options.etag);
  if (options.if_revision) request.set_if_revision(*options.if_revision);
  request.set_validate_only(options.dry_run);
  request.set_message(options.message);
  request.set_warnings_as_errors(options.strict);
  request.set_force(options.force);
  if (options.confirm) SetDuration(*options.confirm, *request.mutable_confirm_timeout());
  request.set_max_connect_failure_ratio(options.max_connect_failure_ratio);
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  const absl::StatusOr<api::ApplyConfigResponse> answer = client->Apply(request);
  if (!answer.ok())
    return options.detailed_exitcode ? NotDiffering(answer.status()) : answer.status();
  const api::ApplyConfigResponse& applied = *answer;
  NoteWarnings(globals, applied);
  Note(globals, RenderChanges(applied.changes(), applied.changes_total(), false));
  Print(globals, "Applied", applied, DescribeApplied(applied, options.dry_run, ReadClocks().wall));
  ExitCode code = ExitCode::kDone;
  if (options.wait && !options.dry_run) {
    LB_ASSIGN_OR_RETURN(code, FollowApplied(globals, *client, *options.wait));
  }
  if (options.detailed_exitcode && !applied.unchanged()) return ExitCode::kFindings;
  return code;
}

absl::StatusOr<ExitCode> RunPlan(const Globals& globals, const std::string& file, bool diff) {
  LB_ASSIGN_OR_RETURN(const std::string content, ReadConfigText(file));
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  const absl::StatusOr<api::PlanConfigResponse> answer = client->Plan(content);
  if (!answer.ok()) return diff ? NotDiffering(answer.status()) : answer.status();
  const api::PlanConfigResponse& plan = *answer;
  Print(globals, "Plan", plan, RenderPlan(plan, globals.color));
  if (!diff) {
    Note(globals, absl::StrCat("apply with: lbctl apply ", Escape(file), " --if-revision ",
                               plan.running().revision(), "\n"));
    return ExitCode::kDone;
  }
  return plan.changes_total() > 0 ? ExitCode::kFindings : ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunConfirm(const Globals& globals, const std::string& revision,
                                    bool dry_run) {
  api::ConfirmConfigRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_name(), ConfigName(revision));
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  request.set_validate_only(dry_run);
  LB_ASSIGN_OR_RETURN(const api::Config config, client->Confirm(request));
  Print(globals, "Config", config,
        absl::StrCat(dry_run ? "dry run: " : "", "revision ", config.revision(),
                     dry_run ? " would be confirmed and stay\n" : " is confirmed and stays\n"));
  LB_ASSIGN_OR_RETURN(const api::Rollout rollout, client->Rollout());
  if (rollout.config().revision() == config.revision() && rollout.workers_done() == 0)
    WriteErr(absl::StrCat("warning: no worker runs revision ", config.revision(),
                          "; see: lbctl rollout status\n"));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunRollback(const Globals& globals, const RollbackOptions& options) {
  if (!options.yes && !options.dry_run && !StdinIsTty())
    return UsageError("a rollback needs consent, and there is no terminal to ask on", "add --yes");
  api::RollbackConfigRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_name(), ConfigName(options.revision));
  request.set_message(options.message);
  request.set_force(options.force);
  request.set_validate_only(true);
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::Config running, client->Get("configs/-"));
  request.set_etag(running.etag());
  LB_ASSIGN_OR_RETURN(const api::ApplyConfigResponse tried, client->Rollback(request));
  LB_ASSIGN_OR_RETURN(const api::Config target, client->Get(tried.config().name()));
  NoteDiff(globals, running, target);
  Note(globals, RenderChanges(tried.changes(), tried.changes_total(), false));
  if (options.dry_run) {
    Print(globals, "Applied", tried,
          absl::StrCat("dry run: revision ", target.revision(), " would be applied again\n"));
    return ExitCode::kDone;
  }
  if (!options.yes) {
    LB_RETURN_IF_ERROR(Ask("Apply this older configuration?"));
  }
  // What was shown and agreed to, and nothing else.
  request.set_validate_only(false);
  request.set_name(target.name());
  LB_ASSIGN_OR_RETURN(const api::ApplyConfigResponse applied, client->Rollback(request));
  Print(globals, "Applied", applied, DescribeApplied(applied, false, ReadClocks().wall));
  if (options.wait) return FollowApplied(globals, *client, *options.wait);
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunRolloutStatus(const Globals& globals,
                                          std::optional<std::chrono::milliseconds> wait) {
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(api::Rollout rollout, client->Rollout());
  ExitCode code = rollout.workers_refused() > 0 ? ExitCode::kFindings : ExitCode::kDone;
  if (wait && rollout.workers_pending() > 0) {
    LB_ASSIGN_OR_RETURN(code, Follow(globals, *client, *wait, rollout));
  }
  Print(globals, "Rollout", rollout, RenderRollout(rollout, globals.color));
  return code;
}

absl::StatusOr<ExitCode> RunConfigList(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const std::vector<api::Config> configs, client->List());
  if (globals.output == Output::kName) {
    for (const api::Config& config : configs) WriteOut(Escape(config.name()) + "\n");
    return ExitCode::kDone;
  }
  if (!IsStructured(globals)) {
    WriteOut(RenderConfigs(globals, configs, ReadClocks().wall));
    return ExitCode::kDone;
  }
  boost::json::array items;
  for (const api::Config& config : configs) items.push_back(ToJson(config));
  const boost::json::object object = {{"kind", "ConfigList"}, {"items", std::move(items)}};
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(object) : ToYaml(object));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunConfigGet(const Globals& globals, const std::string& revision) {
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::Config config, GetRevision(*client, revision));
  Print(globals, "Config", config, ForOutput(config.content()));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunConfigDiff(const Globals& globals, const std::string& from,
                                       const std::string& to) {
  LB_ASSIGN_OR_RETURN(auto client, ConfigClient::Connect(globals));
  LB_ASSIGN_OR_RETURN(const api::Config a, GetRevision(*client, from));
  LB_ASSIGN_OR_RETURN(const api::Config b, GetRevision(*client, to));
  const std::string diff = UnifiedDiff(a.name(), a.content(), b.name(), b.content());
  WriteOut(ForOutput(diff));
  return diff.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace lb::cli
