// `lbctl get limits`, `lbctl get clients` and `lbctl explain`. Threading: main thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Every limit in force, or those that the connections of `rule` meet.
absl::StatusOr<ExitCode> RunGetLimits(const Globals& globals, const std::string& rule);

// The clients that connect most, or that move most bytes (`sort_by`: "connects", "bytes" or empty,
// which is connects); `top`: how many, 0 for the server's default.
absl::StatusOr<ExitCode> RunGetClients(const Globals& globals, const std::string& rule, int top,
                                       const std::string& sort_by);

struct ExplainOptions {
  std::string rule;
  std::string client;  // An IP address.
  std::string via;     // The proxy that it comes through; empty: none.
  std::string sni;     // The name that it asks for in its ClientHello; empty: none.
};

// What the next connection of that client would meet. Exit code 1 when it would be refused.
absl::StatusOr<ExitCode> RunExplain(const Globals& globals, const ExplainOptions& options);

}  // namespace lb::cli
