// How the connects to backends went since a configuration was applied: what an automatic rollback
// because of connect failures looks at.
//
// Each worker reports what it counted since its start. This adds up what came on top, by rule, so
// that backends that go, come or move to another address do not hide failures, and a busy rule does
// not hide another one. A worker counts from its first report with the new configuration on; what
// it counted before, and whatever workers counted before a restart of the control plane, says
// nothing about it. Threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "controlplane/admin/totals.h"
#include "controlplane/snapshot/backend_key.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class ConnectWatch final {
 public:
  // How long after it took the configuration a worker's counts still are from before, in part: more
  // than one interval between its reports, which come in several messages.
  static constexpr std::chrono::milliseconds kSettleTime{1'500};

  struct Counts {
    uint64_t connects = 0;  // Failed ones too.
    uint64_t failures = 0;
  };

  // Begins anew with what each worker reported last. Backends that a worker reports for the first
  // time after that begin at 0; those of a worker that is not in there, with its first reports.
  explicit ConnectWatch(
      const std::map<WorkerKey, std::map<BackendKey, BackendTotals>>& before = {});

  // Takes a worker's report; `runs` says that it runs the configuration that is looked at. Most
  // entries kept of a worker: Totals::kMaxEntries.
  void Report(const WorkerKey& worker, const worker::v1::StatsReport& report, bool runs,
              Instant now);
  // Its process is gone; what it counted stays.
  void Forget(const WorkerKey& worker) { workers_.erase(worker); }

  bool empty() const { return workers_.empty() && rules_.empty(); }
  // By rule, of all workers.
  const std::map<std::string, Counts>& rules() const { return rules_; }

 private:
  struct Backend {
    Counts last;
    bool old = false;  // From before the configuration.
  };
  struct Worker {
    bool known = false;  // It reported before the configuration.
    std::optional<Instant> settled_at;
    std::map<BackendKey, Backend> backends;
  };

  std::map<WorkerKey, Worker> workers_;
  std::map<std::string, Counts> rules_;
};

}  // namespace lb::controlplane
