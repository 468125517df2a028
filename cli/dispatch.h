// Runs what a command line asks of a control plane: takes the options of that command out of it,
// refuses those that do not go together, and calls the command. Errors: of usage, or the command's.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Commands that only look; all others are RunChange's.
absl::StatusOr<ExitCode> RunLook(const Globals& globals, const CommandLine& line);

// Commands that change workers, backends, connections, members and log levels; all others are
// RunOnConfig's.
absl::StatusOr<ExitCode> RunChange(const Globals& globals, const CommandLine& line);

// Commands about configurations; of the others, the version.
absl::StatusOr<ExitCode> RunOnConfig(const Globals& globals, const CommandLine& line);

// The etag of --etag with its quotes, which a shell takes away where nobody keeps them; empty
// without one.
std::string EtagOf(const CommandLine& line);

}  // namespace lb::cli
