// Which backends workers leave out, as their reports say: each worker detects outliers for itself.
//
// An ejection ends by its time alone, in the worker and here: what a worker said last before its
// stream ended does not count for longer than it said.
//
// Bounded by the backends in force times the workers. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/snapshot/backend_key.h"
#include "controlplane/snapshot/live_rules.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class OutlierBook final {
 public:
  // Longest reason that is kept; those of workers are single words.
  static constexpr size_t kMaxReasonBytes = 64;

  // Of one worker.
  struct Ejection {
    std::string reason;     // Of the last failure: "reset".
    uint32_t failures = 0;  // In a row.
    Instant until;
    uint64_t number = 0;  // Grows with each ejection by this worker.
  };
  // Over all workers.
  struct Summary {
    uint32_t workers = 0;
    Ejection longest;  // The one that ends last.
  };
  // The first worker leaves a backend out, or the last one no longer does. `ejection` is what was
  // told last.
  struct Change {
    BackendKey backend;
    bool ejected = false;
    Ejection ejection{};  // Where it is ejected.
  };

  // Takes a worker's report about the backends in force.
  std::vector<Change> Report(const WorkerKey& worker, const worker::v1::StatsReport& report,
                             const LiveRules& live, Instant now);
  // The worker's process is gone, and its ejections with it.
  std::vector<Change> Forget(const WorkerKey& worker, Instant now);
  // Notes what has ended by its time.
  std::vector<Change> Step(Instant now);
  // When Step is next of use; Instant::max() for never.
  Instant NextDeadline() const;
  // Drops what is known of backends that are no more, or whose rule no longer detects outliers.
  void Keep(const LiveRules& live);

  // nullopt: no worker leaves it out.
  std::optional<Summary> Find(const BackendKey& backend, Instant now) const;

 private:
  struct Known {
    // As they said last. One that is over stays until its worker says so, lest it be taken for a
    // new one when it is told once more.
    std::map<WorkerKey, Ejection> workers;
    bool ejected = false;  // As the last Change said.
  };

  static std::optional<Summary> Sum(const Known& known, Instant now);
  static void Compare(const BackendKey& backend, Known& known, Instant now,
                      std::vector<Change>& changes);

  std::map<BackendKey, Known> known_;  // None without a worker.
};

}  // namespace lb::controlplane
