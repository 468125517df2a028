// `lbctl get limits`, `lbctl get clients` and `lbctl explain`. Threading: main thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Every limit in force, or those that the connections of `rule` meet.
absl::StatusOr<ExitCode> RunGetLimits(const Globals& globals, const std::string& rule);

// The clients that connect most; `top`: how many, 0 for the server's default.
absl::StatusOr<ExitCode> RunGetClients(const Globals& globals, const std::string& rule, int top);

// What the next connection of `client` to `rule` would meet. Exit code 1 when it would be refused.
absl::StatusOr<ExitCode> RunExplain(const Globals& globals, const std::string& rule,
                                    const std::string& client);

}  // namespace lb::cli
