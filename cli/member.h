// `lbctl member join`, `leave` and `forget`. Threading: main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Has the control plane call these addresses once, to join by them; with `dry_run` only checks.
absl::StatusOr<ExitCode> RunMemberJoin(const Globals& globals,
                                       const std::vector<std::string>& addresses, bool dry_run);

// Has this host leave its cluster; asks on the terminal unless `yes`.
absl::StatusOr<ExitCode> RunMemberLeave(const Globals& globals, bool yes, bool dry_run);

// Has it forget these members, each by its full name: kPartly when some of several failed.
absl::StatusOr<ExitCode> RunMemberForget(const Globals& globals,
                                         const std::vector<std::string>& names, bool dry_run);

}  // namespace lb::cli
