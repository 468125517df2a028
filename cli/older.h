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

}  // namespace lb::cli
