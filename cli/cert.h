// `lbctl cert check` and `lbctl cert inspect`; `cert list` is a `get` (get.h). Threading: main
// thread.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// An end that is nearer than this is found where `cert check` is not told another time.
inline constexpr std::chrono::hours kCertWithin{14 * 24};

// Reads "14d", or a duration with the units of ParseDuration: up to 10 years. InvalidArgument names
// the value.
absl::StatusOr<std::chrono::seconds> ParseWithin(const std::string& text);

// One line for each file of TLS in force that is refused, expired, not valid yet, or ends within
// that time, with what to do. Exit code 1 when there is any.
absl::StatusOr<ExitCode> RunCertCheck(const Globals& globals, std::chrono::seconds within);

// What is in a file of certificates on this host; asks nobody. `output`: text, json or yaml. Exit
// code 1 when one of them is out of its time, or did not sign the one before it.
absl::StatusOr<ExitCode> RunCertInspect(const std::string& file, const std::string& output,
                                        WallTime now);

}  // namespace lb::cli
