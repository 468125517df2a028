// `lbctl get events` and `lbctl watch events`: what happened, one line each; the latter goes on
// until interrupted.
//
// A control plane that goes away is asked again, from the last event on: none is shown twice, and a
// gap is said. Threading: main thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct EventOptions {
  std::optional<std::chrono::milliseconds> since;  // Those of the past that are not older.
  std::vector<std::string> kinds;                  // "backend.down" or "backend"; empty: all.
  std::string resource;                            // Itself and what is below; empty: all.
  std::string filter{};                            // Of the server (docs/api.md); empty: all.
};

// `lbctl get events`: those that are kept, newest last.
absl::StatusOr<ExitCode> RunGetEvents(const Globals& globals, const EventOptions& options);

// Returns only errors that trying again does not cure, or of the first try.
absl::StatusOr<ExitCode> RunWatchEvents(const Globals& globals, const EventOptions& options);

}  // namespace lb::cli
