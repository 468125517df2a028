// `lbctl version`: the versions of lbctl, the control plane and its workers, and whether they fit.
#pragma once

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Prints the versions; only lbctl's own when `client_only`. What could be found out is printed
// even when the control plane cannot be reached, which still is the result.
absl::StatusOr<ExitCode> RunVersion(const Globals& globals, bool client_only);

}  // namespace lb::cli
