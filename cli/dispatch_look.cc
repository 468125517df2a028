#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/bundle/bundle.h"
#include "cli/cert.h"
#include "cli/check/check.h"
#include "cli/describe.h"
#include "cli/dispatch.h"
#include "cli/events.h"
#include "cli/get.h"
#include "cli/limits.h"
#include "cli/resource.h"
#include "cli/status.h"
#include "cli/top.h"
#include "cli/wait.h"
#include "cli/watch.h"

namespace lb::cli {
namespace {

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

absl::StatusOr<ExitCode> CertList(const Globals& globals, const CommandLine& line) {
  Selection selection;
  selection.type = Type::kCertificate;
  selection.sort_by = line.sort_by;
  selection.filter = line.filter;
  return RunGet(globals, selection);
}

absl::StatusOr<ExitCode> Cert(const Globals& globals, const CommandLine& line) {
  if (line.command == Command::kCertList) return CertList(globals, line);
  std::optional<std::chrono::seconds> within;
  if (!line.within.empty()) {
    LB_ASSIGN_OR_RETURN(within, ParseWithin(line.within));
  }
  return RunCertCheck(globals, within);
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

}  // namespace

absl::StatusOr<ExitCode> RunLook(const Globals& globals, const CommandLine& line) {
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
    case Command::kExplain:
      return RunExplain(globals, {line.rule, line.client, line.via, line.sni});
    case Command::kCertList:
    case Command::kCertCheck:
      return Cert(globals, line);
    case Command::kDebugBundle:
      return Bundle(globals, line);
    case Command::kCheck:
      return Check(globals, line);
    default:
      return RunChange(globals, line);
  }
}

}  // namespace lb::cli
