#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/backend.h"
#include "cli/connections.h"
#include "cli/dispatch.h"
#include "cli/get.h"
#include "cli/log_level.h"
#include "cli/member.h"
#include "cli/member_key.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/worker.h"

namespace lb::cli {
namespace {

absl::StatusOr<ExitCode> Drain(const Globals& globals, const CommandLine& line) {
  DrainOptions options;
  LB_ASSIGN_OR_RETURN(options.worker, ParseWorkerName(line.name));
  if (line.drain_timeout) {
    LB_ASSIGN_OR_RETURN(options.timeout, ParseDuration("--timeout", *line.drain_timeout));
  }
  options.wait = line.wait;
  options.yes = line.yes;
  options.force = line.force;
  options.dry_run = line.dry_run;
  options.etag = EtagOf(line);
  return RunDrain(globals, options);
}

absl::StatusOr<ExitCode> Undrain(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const std::string worker, ParseWorkerName(line.name));
  return RunUndrain(globals, worker, EtagOf(line), line.dry_run);
}

absl::StatusOr<ExitCode> Worker(const Globals& globals, const CommandLine& line) {
  return line.command == Command::kWorkerDrain ? Drain(globals, line) : Undrain(globals, line);
}

absl::StatusOr<ExitCode> Cancel(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const std::string name, ParseOperationName(line.name));
  return RunCancel(globals, name, line.dry_run);
}

absl::StatusOr<ExitCode> Backend(const Globals& globals, const CommandLine& line) {
  using Verb = BackendOptions::Verb;
  BackendOptions options;
  options.verb = line.command == Command::kBackendDrain     ? Verb::kDrain
                 : line.command == Command::kBackendUndrain ? Verb::kUndrain
                 : line.command == Command::kBackendMaint   ? Verb::kMaint
                 : line.command == Command::kBackendWeight  ? Verb::kWeight
                                                            : Verb::kReset;
  options.words = line.words;
  if (line.drain_timeout) {
    LB_ASSIGN_OR_RETURN(options.timeout, ParseDuration("--timeout", *line.drain_timeout));
  }
  options.wait = line.wait;
  options.close = line.close;
  options.force = line.force;
  options.dry_run = line.dry_run;
  options.reset = line.reset;
  options.etag = EtagOf(line);
  return RunBackend(globals, std::move(options));
}

absl::StatusOr<ExitCode> Connections(const Globals& globals, const CommandLine& line) {
  const ConnectionOptions options{line.rule,       line.backend, line.client, line.limit,
                                  line.rate_per_s, line.all,     line.yes,    line.dry_run};
  return line.command == Command::kConnectionsList ? RunConnectionsList(globals, options)
                                                   : RunConnectionsKill(globals, options);
}

absl::StatusOr<ExitCode> Member(const Globals& globals, const CommandLine& line) {
  if (line.command == Command::kMemberJoin) return RunMemberJoin(globals, line.words, line.dry_run);
  if (line.command == Command::kMemberLeave) return RunMemberLeave(globals, line.yes, line.dry_run);
  if (line.command == Command::kMemberList) {
    Selection selection;
    selection.type = Type::kMember;
    selection.sort_by = line.sort_by;
    selection.filter = line.filter;
    return RunGet(globals, selection);
  }
  if (line.words.empty()) return UsageError("the name of a member is missing");
  std::vector<std::string> names;
  for (const std::string& word : line.words) {
    LB_ASSIGN_OR_RETURN(names.emplace_back(), ParseMemberName(word));
  }
  return RunMemberForget(globals, names, line.dry_run);
}

absl::StatusOr<ExitCode> MemberKey(const Globals& globals, const CommandLine& line) {
  using api::ChangeKeyRequest;
  const auto action = line.command == Command::kMemberKeyAdd   ? ChangeKeyRequest::ACTION_ADD
                      : line.command == Command::kMemberKeyUse ? ChangeKeyRequest::ACTION_USE
                                                               : ChangeKeyRequest::ACTION_REMOVE;
  return RunMemberKeyChange(globals, {action, line.words, line.key_file, line.dry_run});
}

absl::StatusOr<ExitCode> LogLevel(const Globals& globals, const CommandLine& line) {
  if (line.command == Command::kLogLevelGet) return RunLogLevelGet(globals);
  if (line.words.size() != 2)
    return UsageError("a component and a level are needed: lbctl log-level set controlplane debug");
  std::chrono::milliseconds duration = std::chrono::minutes(10);
  if (!line.duration.empty()) {
    LB_ASSIGN_OR_RETURN(duration, ParseDuration("--for", line.duration));
  }
  return RunLogLevelSet(globals, line.words[0], line.words[1], duration, line.dry_run);
}

}  // namespace

std::string EtagOf(const CommandLine& line) {
  const std::string etag = line.etag.value_or("");
  if (etag.empty() || etag.front() == '"') return etag;
  return absl::StrCat("\"", etag, "\"");
}

absl::StatusOr<ExitCode> RunChange(const Globals& globals, const CommandLine& line) {
  switch (line.command) {
    case Command::kWorkerDrain:
    case Command::kWorkerUndrain:
      return Worker(globals, line);
    case Command::kOperationCancel:
      return Cancel(globals, line);
    case Command::kBackendDrain:
    case Command::kBackendUndrain:
    case Command::kBackendMaint:
    case Command::kBackendWeight:
    case Command::kBackendReset:
      return Backend(globals, line);
    case Command::kConnectionsList:
    case Command::kConnectionsKill:
      return Connections(globals, line);
    case Command::kMemberList:
    case Command::kMemberJoin:
    case Command::kMemberForget:
    case Command::kMemberLeave:
      return Member(globals, line);
    case Command::kMemberKeyList:
      return RunMemberKeyList(globals);
    case Command::kMemberKeyAdd:
    case Command::kMemberKeyUse:
    case Command::kMemberKeyRemove:
      return MemberKey(globals, line);
    case Command::kLogLevelGet:
    case Command::kLogLevelSet:
      return LogLevel(globals, line);
    default:
      return RunOnConfig(globals, line);
  }
}

}  // namespace lb::cli
