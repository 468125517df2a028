// Whether the control plane is older than this lbctl: which of the calls that came later it does
// not know. Threading: one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/globals.h"

namespace lb::cli {

// Services that the control plane lacks, sorted: "ConfigService". One call that only looks is made
// of each; whatever else becomes of it, the service is known.
absl::StatusOr<std::vector<std::string>> MissingServices(const Globals& globals);

// Unimplemented when the control plane is of the first release, which has the calls and not all of
// their fields: `what` would be answered wrongly.
absl::Status CheckNotFirst(const Globals& globals, const char* what);

}  // namespace lb::cli
