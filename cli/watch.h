// `-w`: the same thing asked once a second. On a terminal the screen is redrawn, elsewhere what
// changed is appended. Runs until the process is interrupted. Threading: main thread.
#pragma once

#include <chrono>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/resource.h"

namespace lb::cli {

// Time between two questions.
inline constexpr std::chrono::milliseconds kPollInterval{1'000};

// Watches a selection. Returns only errors that waiting does not cure; a control plane that goes
// away is said once on stderr, and asked again.
absl::StatusOr<ExitCode> RunWatchGet(const Globals& globals, const Selection& selection);

// Watches `lbctl status`.
absl::StatusOr<ExitCode> RunWatchStatus(const Globals& globals);

}  // namespace lb::cli
