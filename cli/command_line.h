// The command tree: what may be said, its help, and what was said. CLI11 does the splitting; its
// texts and exit codes are replaced by ours. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/globals.h"
#include "cli/tls_generate.h"

namespace lb::cli {

enum class Command {
  kHelp,
  kShowVersion,  // --version
  kStatus,
  kGet,
  kDescribe,
  kCompletion,
  kWatchEvents,
  kWait,
  kOperationCancel,
  kTop,
  kContextList,
  kContextShow,
  kContextUse,
  kContextSet,
  kContextDelete,
  kConfigValidate,
  kConfigSchema,
  kConfigExplain,
  kApply,
  kPlan,
  kDiff,
  kConfirm,
  kRollback,
  kRolloutStatus,
  kConfigGet,
  kConfigList,
  kConfigDiff,
  kWorkerDrain,
  kWorkerUndrain,
  kTlsGenerateCa,
  kTlsGenerateCert,
  kBackendDrain,
  kBackendUndrain,
  kBackendMaint,
  kBackendWeight,
  kBackendReset,
  kCertList,
  kCertCheck,
  kCertInspect,
  kConnectionsList,
  kConnectionsKill,
  kExplain,
  kMemberList,
  kMemberJoin,
  kMemberForget,
  kMemberLeave,
  kMemberKeyList,
  kMemberKeyAdd,
  kMemberKeyUse,
  kMemberKeyRemove,
  kLogLevelGet,
  kLogLevelSet,
  kCheck,
  kDebugBundle,
  kVersion,
};

struct CommandLine {
  Command command = Command::kHelp;
  GlobalFlags flags;
  std::string help;                // kHelp: what to print.
  std::vector<std::string> words;  // kGet: type and names.
  std::string name;                // A worker, a file, a path.
  std::string rule;                // kGet --rule
  std::string sort_by;             // kGet --sort-by
  std::string out;                 // kConfigSchema, kDebugBundle --out
  std::string key_file;            // kMemberKeyAdd, kMemberKeyUse, kMemberKeyRemove
  TlsOptions tls;                  // kTlsGenerateCa, kTlsGenerateCert; role and name are `words`.
  std::optional<std::string> drain_timeout;
  std::optional<std::string> confirm;       // kApply --confirm
  std::optional<std::string> etag;          // --etag of kApply, backend and worker
  std::optional<std::string> if_revision;   // kApply --if-revision
  std::optional<std::string> max_failures;  // kApply --max-connect-failures
  std::optional<std::string> message;       // kApply, kRollback -m
  std::optional<std::string> wait_for;      // --wait DURATION of a rollout
  bool dry_run = false;
  bool detailed_exitcode = false;
  bool watch = false;
  bool check = false;  // kStatus: an alert is exit code 1.
  bool wait = false;
  bool yes = false;
  bool strict = false;
  bool client_only = false;
  std::string backend;               // --backend of connections.
  std::string client;                // --client of connections, kExplain
  std::string via;                   // --via of kExplain
  std::string sni;                   // --sni of kExplain
  std::string within;                // --within of kCertCheck
  int limit = 0;                     // --limit of connections, --top of kGet
  unsigned rate_per_s = 0;           // --rate of connections.
  std::string duration;              // kLogLevelSet --for
  std::string condition;             // kWait --for
  std::string filter;                // --filter of kGet, kWatchEvents
  std::optional<std::string> since;  // Of events, like the next two.
  std::vector<std::string> kinds;
  std::string resource;
  bool pre = false;                     // kCheck
  std::string config;                   // kCheck --config
  std::vector<std::string> only;        // kCheck
  std::string fail_on;                  // kCheck
  std::vector<std::string> metrics;     // kDebugBundle
  std::optional<std::string> interval;  // kTop
  int rows = 0;                         // kTop -n
  bool once = false;                    // kTop
  bool all = false;
  bool close = false;
  bool force = false;
  bool reset = false;
};

// Parses argv. `line` is filled as far as possible also on errors, so that they can be printed the
// way its flags ask for. InvalidArgument says what is wrong, with "did you mean".
absl::Status ParseCommandLine(int argc, const char* const* argv, CommandLine& line);

}  // namespace lb::cli
