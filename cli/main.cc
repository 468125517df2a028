// lbctl: asks and steers a control plane, and checks configuration files.
#include <cstdlib>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "base/version.h"
#include "cli/age.h"
#include "cli/backend.h"
#include "cli/bundle/bundle.h"
#include "cli/cert.h"
#include "cli/check/check.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/config.h"
#include "cli/config_apply.h"
#include "cli/connections.h"
#include "cli/context.h"
#include "cli/context_store.h"
#include "cli/describe.h"
#include "cli/events.h"
#include "cli/exit_code.h"
#include "cli/get.h"
#include "cli/globals.h"
#include "cli/limits.h"
#include "cli/log_level.h"
#include "cli/member.h"
#include "cli/member_key.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/status.h"
#include "cli/terminal.h"
#include "cli/top.h"
#include "cli/version.h"
#include "cli/wait.h"
#include "cli/watch.h"
#include "cli/worker.h"

namespace lb::cli {
namespace {

std::optional<std::string> ReadEnv(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<EventOptions> EventsOf(const CommandLine& line) {
  EventOptions options{std::nullopt, line.kinds, line.resource, line.filter};
  if (line.since) {
    LB_ASSIGN_OR_RETURN(options.since, ParseDuration("--since", *line.since));
  }
  return options;
}

absl::StatusOr<ExitCode> GetEvents(const Globals& globals, const CommandLine& line) {
  if (line.watch) return UsageError("events are followed by lbctl watch events");
  if (line.words.size() > 1) return UsageError("events have no names");
  if (!line.rule.empty() || !line.sort_by.empty())
    return UsageError("events have neither --rule nor --sort-by; see --resource");
  if (globals.output == Output::kJsonPath)
    return UsageError("-o jsonpath is not for events; use -o json");
  LB_ASSIGN_OR_RETURN(const EventOptions options, EventsOf(line));
  return RunGetEvents(globals, options);
}

// Of limits and clients, which have no names.
absl::StatusOr<ExitCode> GetLimits(const Globals& globals, const CommandLine& line) {
  const std::string& what = line.words[0];
  if (line.words.size() > 1) return UsageError(absl::StrCat(what, " have no names"));
  if (line.watch || !line.filter.empty())
    return UsageError(absl::StrCat(what, " have neither --watch nor --filter"));
  if (globals.output == Output::kJsonPath || globals.output == Output::kName)
    return UsageError(absl::StrCat("-o jsonpath and -o name are not for ", what, "; use -o json"));
  if (what == "clients") return RunGetClients(globals, line.rule, line.limit, line.sort_by);
  if (line.limit != 0 || !line.sort_by.empty())
    return UsageError("--top and --sort-by are for clients");
  return RunGetLimits(globals, line.rule);
}

absl::StatusOr<ExitCode> Get(const Globals& globals, const CommandLine& line) {
  if (!line.words.empty() && (line.words[0] == "events" || line.words[0] == "event"))
    return GetEvents(globals, line);
  if (line.since || !line.kinds.empty() || !line.resource.empty())
    return UsageError("--since, --kind and --resource are for events");
  if (!line.words.empty() && (line.words[0] == "limits" || line.words[0] == "clients"))
    return GetLimits(globals, line);
  if (line.limit != 0) return UsageError("--top is for clients");
  LB_ASSIGN_OR_RETURN(Selection selection, ParseSelection(line.words, line.rule));
  selection.sort_by = line.sort_by;
  selection.filter = line.filter;
  return line.watch ? RunWatchGet(globals, selection) : RunGet(globals, selection);
}

absl::StatusOr<ExitCode> Describe(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const Selection selection, ParseSelection(line.words, ""));
  return RunDescribe(globals, selection);
}

absl::StatusOr<ExitCode> WatchEvents(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const EventOptions options, EventsOf(line));
  return RunWatchEvents(globals, options);
}

absl::StatusOr<ExitCode> Wait(const Globals& globals, const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const Selection selection, ParseSelection(line.words, ""));
  std::chrono::milliseconds limit = std::chrono::seconds(60);
  if (line.drain_timeout) {
    LB_ASSIGN_OR_RETURN(limit, ParseDuration("--timeout", *line.drain_timeout));
  }
  return RunWait(globals, selection, line.condition, limit);
}

absl::StatusOr<ExitCode> Top(const Globals& globals, const CommandLine& line) {
  TopOptions options;
  if (!line.name.empty()) options.type = line.name;
  if (line.rows < 0) return UsageError(absl::StrCat("--rows: ", line.rows, " is less than 0"));
  options.once = line.once;
  options.rows_max = static_cast<size_t>(line.rows);
  if (line.interval) {
    LB_ASSIGN_OR_RETURN(options.interval, ParseDuration("--interval", *line.interval));
  }
  return RunTop(globals, options);
}

// An etag with its quotes, which a shell takes away where nobody keeps them.
std::string EtagOf(const CommandLine& line) {
  const std::string etag = line.etag.value_or("");
  if (etag.empty() || etag.front() == '"') return etag;
  return absl::StrCat("\"", etag, "\"");
}

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

absl::StatusOr<ExitCode> GenerateCert(const CommandLine& line) {
  TlsOptions options = line.tls;
  options.role = line.words.at(0);
  options.name = line.words.at(1);
  return RunGenerateCert(options, ReadClocks().wall);
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

absl::StatusOr<ExitCode> CertList(const Globals& globals, const CommandLine& line) {
  Selection selection;
  selection.type = Type::kCertificate;
  selection.sort_by = line.sort_by;
  selection.filter = line.filter;
  return RunGet(globals, selection);
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

absl::StatusOr<ExitCode> Cert(const Globals& globals, const CommandLine& line) {
  if (line.command == Command::kCertList) return CertList(globals, line);
  std::optional<std::chrono::seconds> within;
  if (!line.within.empty()) {
    LB_ASSIGN_OR_RETURN(within, ParseWithin(line.within));
  }
  return RunCertCheck(globals, within);
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

absl::StatusOr<ExitCode> Check(const Globals& globals, const CommandLine& line) {
  CheckOptions options{line.pre, line.config, line.only, line.fail_on, {}};
  // "0s" is the default, and no duration otherwise.
  if (line.wait_for && *line.wait_for != "0s") {
    LB_ASSIGN_OR_RETURN(options.wait, ParseDuration("--wait", *line.wait_for));
  }
  return RunCheck(globals, options);
}

absl::StatusOr<ExitCode> Bundle(const Globals& globals, const CommandLine& line) {
  BundleOptions options{line.out, {}, line.metrics};
  if (!line.duration.empty() && line.duration != "0s") {
    LB_ASSIGN_OR_RETURN(options.duration, ParseDuration("--duration", line.duration));
  }
  return RunBundle(globals, options);
}

// Whether what a command prints are resources, which have names.
bool HasNames(Command command) {
  switch (command) {
    case Command::kStatus:
    case Command::kApply:
    case Command::kPlan:
    case Command::kDiff:
    case Command::kConfirm:
    case Command::kRollback:
    case Command::kRolloutStatus:
      return false;
    default:
      return true;
  }
}

// Whether what was asked for can be printed in that form.
absl::Status CheckOutput(const Globals& globals, const CommandLine& line) {
  const bool selects_fields = (line.command == Command::kGet && !line.watch) ||
                              line.command == Command::kCertList ||
                              line.command == Command::kMemberList;
  if (globals.output == Output::kJsonPath && !selects_fields)
    return UsageError("-o jsonpath is for get, without --watch, cert list and member list");
  if (globals.output == Output::kName && !HasNames(line.command))
    return UsageError("-o name is for what has names: get, operations, revisions, connections");
  return absl::OkStatus();
}

// Commands about configurations; of the others, the version.
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

// Commands that speak to a control plane, with the flags that all of them share.
absl::StatusOr<ExitCode> RunOnline(const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const ChosenContext context, ChooseContext(line.flags, ReadEnv));
  LB_ASSIGN_OR_RETURN(const Globals globals,
                      Resolve(line.flags, WithContext(ReadEnv, context), StdoutIsTty()));
  if (!globals.quiet) WriteErr(OverriddenNote(line.flags, ReadEnv, context));
  LB_RETURN_IF_ERROR(CheckOutput(globals, line));
  switch (line.command) {
    case Command::kStatus:
      return line.watch ? RunWatchStatus(globals) : RunStatus(globals, line.check);
    case Command::kGet:
      return Get(globals, line);
    case Command::kWatchEvents:
      return WatchEvents(globals, line);
    case Command::kWait:
      return Wait(globals, line);
    case Command::kTop:
      return Top(globals, line);
    case Command::kDescribe:
      return Describe(globals, line);
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
    case Command::kExplain:
      return RunExplain(globals, {line.rule, line.client, line.via, line.sni});
    case Command::kCertList:
    case Command::kCertCheck:
      return Cert(globals, line);
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
    case Command::kDebugBundle:
      return Bundle(globals, line);
    case Command::kCheck:
      return Check(globals, line);
    default:
      return RunOnConfig(globals, line);
  }
}

absl::StatusOr<ExitCode> Run(const CommandLine& line) {
  switch (line.command) {
    case Command::kHelp:
      WriteOut(line.help);
      return ExitCode::kDone;
    case Command::kShowVersion:
      WriteOut(absl::StrCat("lbctl ", kVersion, "\n"));
      return ExitCode::kDone;
    case Command::kConfigValidate:
      return RunValidate({line.name, line.flags.output.value_or("text"), line.strict});
    case Command::kConfigSchema:
      return RunSchema(line.out);
    case Command::kTlsGenerateCa:
      return RunGenerateCa(line.tls, ReadClocks().wall);
    case Command::kTlsGenerateCert:
      return GenerateCert(line);
    case Command::kCertInspect:
      return RunCertInspect(line.name, line.flags.output.value_or("text"), ReadClocks().wall);
    case Command::kConfigExplain:
      return RunExplain(line.name);
    case Command::kContextList:
      return RunContextList(line.flags, ReadEnv);
    case Command::kContextShow:
      return RunContextShow(line.flags, ReadEnv, line.name);
    case Command::kContextUse:
      return RunContextUse(line.flags, ReadEnv, line.name);
    case Command::kContextSet:
      return RunContextSet(line.flags, ReadEnv, line.name);
    case Command::kContextDelete:
      return RunContextDelete(line.flags, ReadEnv, line.words);
    case Command::kCompletion:
      return RunCompletion(line.name);
    default:
      return RunOnline(line);
  }
}

int Main(int argc, const char* const* argv) {
  SetUpSignals();
  // Chatter of the library on stderr; what matters reaches us as errors. A setting of the user's
  // own is kept.
  ::setenv("GRPC_VERBOSITY", "NONE", 0);
  // Not a command for people: the scripts of `completion` call it.
  if (argc > 2 && std::string(argv[1]) == "__complete") {
    RunComplete({argv + 2, argv + argc}, ReadEnv);
    return static_cast<int>(ExitCode::kDone);
  }
  CommandLine line;
  absl::Status status = ParseCommandLine(argc, argv, line);
  if (status.ok()) {
    const absl::StatusOr<ExitCode> result = Run(line);
    if (result.ok()) return static_cast<int>(*result);
    status = result.status();
  }
  WriteErr(WantsJson(line.flags) ? RenderErrorJson(status) : RenderError(status));
  return static_cast<int>(ExitCodeFor(status));
}

}  // namespace
}  // namespace lb::cli

int main(int argc, char** argv) { return lb::cli::Main(argc, argv); }
