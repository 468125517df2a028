// The state folder: one control plane at a time owns it, and one file in it holds what the loop
// wants to find again after a restart.
//
// A save writes a new file beside the old one, syncs it and renames it, so that a crash leaves the
// old or the new content and nothing between. The content carries its length and SHA-256, so that a
// file damaged by a disk is noticed. Saving runs in a thread of its own; while one save is being
// written only the newest of the following ones is kept. Threading: Save() from one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/metrics.h"

namespace lb::controlplane {

class StateFile final {
 public:
  static constexpr char kFileName[] = "state";
  static constexpr size_t kMaxBytes = 64u << 20;  // Read at the start; a larger file is damaged.

  // Takes the folder (made when only its last part is missing). Errors name the folder and the
  // flag: NotFound, PermissionDenied, or FailedPrecondition when another process owns it.
  static absl::StatusOr<std::unique_ptr<StateFile>> Open(const std::string& folder);

  // Writes what still waits, then lets the folder go.
  ~StateFile();

  // What was stored; empty when there is nothing. nullopt for a damaged file, which is logged and
  // moved aside to "state.damaged".
  std::optional<std::string> Read();

  // Stores `bytes` soon. A failure is logged and counted, and tried again every second until it
  // succeeds or newer bytes come.
  void Save(std::string bytes);

  // Returns when everything saved before is on the disk, or says why the newest is not. From any
  // thread but the one that calls Save().
  absl::Status Flush();

  // Appends lb_state_saves_total, lb_state_save_failures_total and lb_state_saved.
  void AppendMetrics(std::vector<MetricFamily>& families) const;

 private:
  class Impl;
  explicit StateFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
