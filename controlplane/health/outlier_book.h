// Which backends workers leave out, as their reports say: each worker detects outliers for itself.
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
#include "controlplane/stream/worker_table.h"
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
  // The first worker leaves a backend out, or the last one no longer does.
  struct Change {
    BackendKey backend;
    bool ejected = false;
    Ejection ejection{};  // Where it is ejected.
  };

  // Takes a worker's report about the backends in force.
  std::vector<Change> Report(const WorkerKey& worker, const worker::v1::StatsReport& report,
                             const LiveRules& live, Instant now);
  // The worker's process is gone, and its ejections with it.
  std::vector<Change> Forget(const WorkerKey& worker);
  // Drops what is known of backends that are no more, or whose rule no longer detects outliers.
  void Keep(const LiveRules& live);

  // nullopt: no worker leaves it out.
  std::optional<Summary> Find(const BackendKey& backend) const;

 private:
  // No backend without a worker.
  std::map<BackendKey, std::map<WorkerKey, Ejection>> ejected_;
};

}  // namespace lb::controlplane
