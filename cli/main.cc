// lbctl: asks and steers a control plane, and checks configuration files.
#include <cstdlib>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "base/version.h"
#include "cli/cert.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/config.h"
#include "cli/context.h"
#include "cli/context_store.h"
#include "cli/dispatch.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/terminal.h"

namespace lb::cli {
namespace {

std::optional<std::string> ReadEnv(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<ExitCode> GenerateCert(const CommandLine& line) {
  TlsOptions options = line.tls;
  options.role = line.words.at(0);
  options.name = line.words.at(1);
  return RunGenerateCert(options, ReadClocks().wall);
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

// Commands that speak to a control plane, with the flags that all of them share.
absl::StatusOr<ExitCode> RunOnline(const CommandLine& line) {
  LB_ASSIGN_OR_RETURN(const ChosenContext context, ChooseContext(line.flags, ReadEnv));
  LB_ASSIGN_OR_RETURN(const Globals globals,
                      Resolve(line.flags, WithContext(ReadEnv, context), StdoutIsTty()));
  if (!globals.quiet) WriteErr(OverriddenNote(line.flags, ReadEnv, context));
  LB_RETURN_IF_ERROR(CheckOutput(globals, line));
  return RunLook(globals, line);
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
