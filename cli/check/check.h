// `lbctl check`: what is wrong with the host, the configuration and what runs, each with a code and
// a hint. docs/checks.md explains the codes. Threading: main thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct CheckOptions {
  bool pre = false;                   // Before the installation.
  std::string config;                 // The file to look at.
  std::vector<std::string> only;      // Categories; empty: all.
  std::string fail_on;                // "warning" or "error"; empty: error.
  std::chrono::milliseconds wait{0};  // Try again until nothing is found, for so long at most.
};

// Prints the report; kFindings when there is something at or above `fail_on`. InvalidArgument for a
// category or a threshold that is none.
absl::StatusOr<ExitCode> RunCheck(const Globals& globals, const CheckOptions& options);

}  // namespace lb::cli
