#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/config.h"
#include "cli/config_apply.h"
#include "cli/dispatch.h"
#include "cli/version.h"

namespace lb::cli {
namespace {

absl::StatusOr<std::optional<std::chrono::milliseconds>> WaitOf(const CommandLine& line) {
  if (!line.wait_for) return std::nullopt;
  return ParseDuration("--wait", *line.wait_for);
}

absl::StatusOr<ExitCode> Apply(const Globals& globals, const CommandLine& line) {
  ApplyOptions options{.file = line.name,
                       .dry_run = line.dry_run,
                       .etag = EtagOf(line),
                       .message = line.message.value_or(""),
                       .detailed_exitcode = line.detailed_exitcode,
                       .strict = line.strict,
                       .force = line.force};
  if (line.confirm) {
    LB_ASSIGN_OR_RETURN(options.confirm, ParseDuration("--confirm", *line.confirm));
  }
  uint64_t revision = 0;
  if (line.if_revision && !absl::SimpleAtoi(*line.if_revision, &revision))
    return UsageError(absl::StrCat("--if-revision: '", *line.if_revision, "' is no number"));
  if (line.if_revision) options.if_revision = revision;
  if (line.max_failures &&
      !absl::SimpleAtod(*line.max_failures, &options.max_connect_failure_ratio))
    return UsageError(absl::StrCat("--max-connect-failures: '", *line.max_failures,
                                   "' is no ratio; write 0.1 for a tenth"));
  LB_ASSIGN_OR_RETURN(options.wait, WaitOf(line));
  return RunApply(globals, options);
}

absl::StatusOr<ExitCode> Rollback(const Globals& globals, const CommandLine& line) {
  RollbackOptions options{.revision = line.name,
                          .message = line.message.value_or(""),
                          .dry_run = line.dry_run,
                          .yes = line.yes,
                          .force = line.force};
  LB_ASSIGN_OR_RETURN(options.wait, WaitOf(line));
  return RunRollback(globals, options);
}

absl::StatusOr<ExitCode> RolloutStatus(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const auto wait, WaitOf(line));
  return RunRolloutStatus(globals, wait);
}

absl::StatusOr<ExitCode> ConfigDiff(const Globals& globals, const CommandLine& line) {
  if (line.words.size() != 2)
    return UsageError("config diff compares two revisions", "as: lbctl config diff 7 8");
  return RunConfigDiff(globals, line.words[0], line.words[1]);
}

}  // namespace

absl::StatusOr<ExitCode> RunOnConfig(const Globals& globals, const CommandLine& line) {
  switch (line.command) {
    case Command::kApply:
      return Apply(globals, line);
    case Command::kPlan:
    case Command::kDiff:
      return RunPlan(globals, line.name, line.command == Command::kDiff);
    case Command::kConfirm:
      return RunConfirm(globals, line.name, line.dry_run);
    case Command::kRollback:
      return Rollback(globals, line);
    case Command::kRolloutStatus:
      return RolloutStatus(globals, line);
    case Command::kConfigGet:
      return RunConfigGet(globals, line.name);
    case Command::kConfigList:
      return RunConfigList(globals);
    case Command::kConfigDiff:
      return ConfigDiff(globals, line);
    default:
      return RunVersion(globals, line.client_only);
  }
}

}  // namespace lb::cli
