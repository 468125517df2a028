// Which part of every rate limit each worker of the host may use by itself.
//
// A worker without a stream that may be alive goes on with the part it was told for that case: it
// is kept for it, the others share the rest. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/shared_bucket.h"
#include "controlplane/stream/worker_key.h"

namespace lb::controlplane {

class RateParts final {
 public:
  // How far the parts of quiet clients, together, may pass a limit, where nothing else is said.
  static constexpr double kOvercommit = 2;
  // A client above this much of its even part in one worker is reported.
  static constexpr double kReportPart = 0.5;
  // Of an even part: what a worker may use even when those without a stream keep everything.
  static constexpr double kLeastPart = 0.1;

  struct Worker {
    bool connected = false;
    bool draining = false;      // Accepts nothing.
    bool told = false;          // The parts in force.
    double fallback_ratio = 0;  // Told last: what it uses without a stream.
    double host_ratio = 0;      // Likewise, of limits that are this host's alone.
    uint64_t stream = 0;        // Grows with each.
    double brought_ratio = 0;   // It had for itself before this stream.
    Instant connected_at{};
  };
  // Of every limit's rate and burst, in a worker with a stream.
  struct Told {
    double quiet_ratio = 1;     // For a client without a budget.
    double fallback_ratio = 1;  // Without a stream.
    double report_ratio = 0;    // A client above it is reported; 0: none is.
    double host_ratio = 1;      // As fallback_ratio, of limits that are this host's alone.
  };

  // A worker that is known to live, without a stream. Those that are restored had even parts.
  void Restore(const WorkerKey& worker);
  void Connect(const WorkerKey& worker, Instant now);
  void Disconnect(const WorkerKey& worker);
  // False when it was not known.
  bool Forget(const WorkerKey& worker);
  void SetDraining(const WorkerKey& worker, bool draining);
  // What every worker tells of its clients begins anew, as with a new stream.
  void BeginStreams(Instant now);

  // Workers of other hosts that accept connections, and what is kept there for those without a
  // stream. `side` is what this part of a split cluster may use, of 1.
  struct Others {
    double serving = 0;
    double kept_ratio = 0;
    double side_ratio = 1;
    double floor_ratio = SharedLimit::kFloor;
    friend bool operator==(const Others&, const Others&) = default;
  };
  void SetOthers(const Others& others);
  // See kOvercommit; at least 1, with which they never do.
  void SetOvercommit(double overcommit);
  bool has_others() const { return others_.serving > 0; }
  // Of this host, for those without a stream.
  double kept_ratio() const { return kept_ratio_; }

  // Null for a worker that is not there, or has no stream.
  const Worker* FindConnected(const WorkerKey& worker) const;
  // Those with a stream that were not told yet, which counts as told now.
  std::vector<WorkerKey> TakeUntold();
  bool untold() const;

  Told told() const;
  // Of every limit: what those that serve, on all hosts, share.
  double free_ratio() const { return free_ratio_; }
  // A limit's rate and burst as far as those that serve share it.
  SharedLimit ShareOf(double rate_per_s, double burst) const;
  // Those with a stream that accept connections.
  const std::vector<WorkerKey>& serving() const { return serving_; }
  // Those with a stream, also while they drain.
  std::vector<WorkerKey> Connected() const;

  size_t workers() const { return workers_.size(); }
  size_t connected() const;

 private:
  void Changed();

  std::map<WorkerKey, Worker> workers_;
  std::vector<WorkerKey> serving_;
  // The smaller part of a split cluster passes on nothing that the larger one may use.
  double Overcommit() const { return others_.side_ratio < 1 ? 1 : overcommit_; }
  // With those of other hosts.
  double AllServing() const;

  Others others_;
  double overcommit_ = kOvercommit;
  double kept_ratio_ = 0;
  double free_ratio_ = 1;       // Not kept for those without a stream.
  double host_free_ratio_ = 1;  // Likewise, as if there were no other hosts.
  uint64_t streams_ = 0;
};

}  // namespace lb::controlplane
