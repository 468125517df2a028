// `lbctl cert check` and `lbctl cert inspect`; `cert list` is a `get` (get.h). Threading: main
// thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Reads "14d", or a duration with the units of ParseDuration: up to 10 years. InvalidArgument names
// the value.
absl::StatusOr<std::chrono::seconds> ParseWithin(const std::string& text);

// One line for each file of TLS that is refused, expired, not valid yet, or ends within that time,
// itself or its OCSP response, with what to do; without a time: that the control plane says is near
// its end. Exit code 1 when there is any.
absl::StatusOr<ExitCode> RunCertCheck(const Globals& globals,
                                      std::optional<std::chrono::seconds> within);

// What is in a file of certificates on this host; asks nobody. `output`: text, json or yaml. Exit
// code 1 when one of them is out of its time, or did not sign the one before it.
absl::StatusOr<ExitCode> RunCertInspect(const std::string& file, const std::string& output,
                                        WallTime now);

}  // namespace lb::cli
