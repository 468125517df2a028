// `lbctl apply|plan|diff|confirm|rollback|rollout` and `config get|list|diff`: the configuration as
// a whole, by API.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct ApplyOptions {
  std::string file;  // "-" is standard input.
  bool dry_run = false;
  std::optional<std::chrono::milliseconds> confirm{};
  double max_connect_failure_ratio = 0;
  std::string etag;
  std::optional<uint64_t> if_revision{};
  std::string message;
  std::optional<std::chrono::milliseconds> wait{};  // For the workers to take it.
  bool detailed_exitcode = false;
  bool strict = false;
  bool force = false;  // Also over a file that was refused.
};

// Applies a file: the plan on stderr, what was accepted on stdout. With detailed_exitcode
// kFindings says that it changed something. With `wait` kFindings says that a worker refused it or
// did not answer in time.
absl::StatusOr<ExitCode> RunApply(const Globals& globals, const ApplyOptions& options);

// What a file would change. With `diff` kFindings says that it differs.
absl::StatusOr<ExitCode> RunPlan(const Globals& globals, const std::string& file, bool diff);

// Keeps what waits for a confirmation; `revision` is "", "8" or "configs/8". Warns when no worker
// runs it. `dry_run` checks and shows only.
absl::StatusOr<ExitCode> RunConfirm(const Globals& globals, const std::string& revision,
                                    bool dry_run);

struct RollbackOptions {
  std::string revision;  // "", "7" or "configs/7".
  std::string message;
  bool dry_run = false;
  bool yes = false;
  bool force = false;  // Over a file that was refused, too.
  std::optional<std::chrono::milliseconds> wait{};
};

// Applies an older revision again, after asking unless told not to.
absl::StatusOr<ExitCode> RunRollback(const Globals& globals, const RollbackOptions& options);

// How far the running revision came; kFindings when a worker refused it, or, with `wait`, when one
// did not answer in time.
absl::StatusOr<ExitCode> RunRolloutStatus(const Globals& globals,
                                          std::optional<std::chrono::milliseconds> wait);

// The kept revisions, newest first.
absl::StatusOr<ExitCode> RunConfigList(const Globals& globals);

// The content of a revision, "" for the running one, to stdout as it is.
absl::StatusOr<ExitCode> RunConfigGet(const Globals& globals, const std::string& revision);

// A unified diff of two revisions; kFindings when they differ.
absl::StatusOr<ExitCode> RunConfigDiff(const Globals& globals, const std::string& from,
                                       const std::string& to);

}  // namespace lb::cli
