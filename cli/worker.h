// `lbctl worker drain|undrain`.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct DrainOptions {
  std::string worker;                         // Full name, "workers/worker-1".
  std::chrono::milliseconds timeout{30'000};  // After it the worker ends what is still open.
  bool wait = false;
  bool yes = false;
  bool force = false;    // Also the last worker that accepts connections.
  bool dry_run = false;  // Check and show, change nothing.
  std::string etag{};    // Only if the worker is as it was read.
};

// Drains a worker: shows how many connections are open, asks unless told not to, and with `wait`
// follows it to the end. kUsage when nobody can be asked or the answer is no; kFindings when it did
// not end in time. Unimplemented: a dry run, of a control plane that has none.
absl::StatusOr<ExitCode> RunDrain(const Globals& globals, const DrainOptions& options);

// Makes a worker accept connections again, and waits for its word: kFindings when none came within
// --timeout. `dry_run` checks and shows only.
absl::StatusOr<ExitCode> RunUndrain(const Globals& globals, const std::string& worker,
                                    const std::string& etag, bool dry_run);

}  // namespace lb::cli
