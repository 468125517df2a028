// `lbctl backend drain|undrain|ready|maint|weight|reset`.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct BackendOptions {
  enum class Verb { kDrain, kUndrain, kMaint, kWeight, kReset };

  Verb verb = Verb::kDrain;
  std::vector<std::string> words;              // Names; for kWeight the last one is the weight.
  std::chrono::milliseconds timeout{300'000};  // kDrain.
  bool wait = false;
  bool close = false;
  bool force = false;
  bool dry_run = false;
  bool reset = false;  // kWeight: drop the weight that was set.
  std::string etag{};  // Only if the backend is as it was read; for one backend.
};

// Carries the verb out for each name; kFindings when a drain that was waited for did not end in
// time.
absl::StatusOr<ExitCode> RunBackend(const Globals& globals, BackendOptions options);

}  // namespace lb::cli
