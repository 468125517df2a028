// `lbctl top`: rules, backends or workers with their rates, live on the whole terminal, or once.
// Threading: main thread; the control plane is asked from another.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct TopOptions {
  // "rules", "backends", "workers", also short and in the singular.
  std::string type = "rules";
  std::chrono::milliseconds interval{1'000};  // Between two samples; 100 ms or more.
  bool once = false;                          // Two samples, one table, the end.
  // Most rows; 0: as many as fit, or kTopRows where there is no screen.
  size_t rows_max = 0;
};

// Rows without a screen, when nothing else is said.
inline constexpr size_t kTopRows = 20;

// Shortest interval: each sample asks for everything.
inline constexpr std::chrono::milliseconds kTopIntervalMin{100};

// Runs until the user quits, or the second sample with `once`. InvalidArgument: no such type, or
// no terminal and neither `once` nor -o json. The first connection must work; later the last frame
// stays while the connection is tried again.
absl::StatusOr<ExitCode> RunTop(const Globals& globals, const TopOptions& options);

}  // namespace lb::cli
