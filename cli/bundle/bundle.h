// `lbctl debug bundle`: all that helps to find a fault, in one file, without secrets. Threading:
// main thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct BundleOptions {
  std::string out;                        // Empty: lb-debug.tar.gz. Never overwritten.
  std::chrono::milliseconds duration{0};  // Above 0: what changes by itself is taken twice.
  std::vector<std::string> metrics;       // Addresses of /metrics that are not found by themselves.
};

// Writes the file with mode 0600 and prints its path. kPartly when the control plane did not
// answer: the bundle then has what this host says. AlreadyExists when the file is there.
absl::StatusOr<ExitCode> RunBundle(const Globals& globals, const BundleOptions& options);

}  // namespace lb::cli
