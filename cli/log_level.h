// `lbctl log-level get|set`.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

absl::StatusOr<ExitCode> RunLogLevelGet(const Globals& globals);

// Sets the level ("debug", or "default" for the one the process was started with) of a component
// for a while.
absl::StatusOr<ExitCode> RunLogLevelSet(const Globals& globals, const std::string& component,
                                        const std::string& level,
                                        std::chrono::milliseconds duration, bool dry_run);

}  // namespace lb::cli
