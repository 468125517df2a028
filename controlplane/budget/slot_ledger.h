// Who may have how many connections open to each limited backend: the rights (slots) of all workers
// of this host, kept so that their sum never passes a limit.
//
// A right that was given is counted until its worker reported to run on less, or is known dead: a
// worker's exposure is the most it may hold, over everything that was sent and not yet answered.
// The ledger lowers first and raises only out of what is free. Rights never expire
// (architecture.md). Pure: no clock, no I/O. Threading: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/snapshot/backend_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// One process: a restarted worker is another one.
struct WorkerKey {
  std::string id;
  std::string incarnation;

  friend auto operator<=>(const WorkerKey&, const WorkerKey&) = default;
};

class SlotLedger final {
 public:
  using Exposures = std::map<BackendKey, uint64_t>;
  using Entries = google::protobuf::RepeatedPtrField<worker::v1::SlotEntry>;

  struct Grant {
    WorkerKey worker;
    worker::v1::SlotGrant message;
  };

  // A worker known from the state file has this long to say hello before others are given what is
  // free beside its stored exposure. Longer than a worker's reconnect backoff.
  static constexpr std::chrono::seconds kRejoinWait{15};
  // Demand that is not repeated loses half its weight in this time.
  static constexpr std::chrono::milliseconds kDemandHalfLife{300};
  // A worker that leaves this many grants of one backend unanswered gets no further one until it
  // answers.
  static constexpr size_t kMaxUnanswered = 16;

  // Sets the limits in force. Backends that are no longer named keep their exposures, which count
  // again when they return.
  void SetLimits(std::map<BackendKey, uint64_t> limits);

  // A worker of an earlier run of this control plane, whose present rights are only roughly known.
  void Restore(const WorkerKey& worker, const Exposures& exposures, Instant now);

  // A worker said hello on a new stream; `entries` are its present rights and use.
  void Connect(const WorkerKey& worker, const Entries& entries, Instant now);

  // A connected worker reported; entries it leaves out have not changed. Reports of unknown workers
  // are ignored.
  void Report(const WorkerKey& worker, uint64_t seq, const Entries& entries, Instant now);

  // The stream is over: no more grants, but the exposure counts until Remove.
  void Disconnect(const WorkerKey& worker);

  // The process is no more: its exposure is free.
  void Remove(const WorkerKey& worker);

  // Returns what to send so that rights follow demand; only changes. Call after any of the above
  // and at NextDeadline(). A connected worker's grants must be sent in this order.
  std::vector<Grant> Rebalance(Instant now);

  // When demand has faded enough to look again; Instant::max() when nothing fades.
  Instant NextDeadline() const { return next_deadline_; }

  // The most `worker` may hold, per backend; for the state file.
  Exposures ExposuresOf(const WorkerKey& worker) const;

 private:
  struct Share {
    uint64_t granted = 0;  // As last reported.
    uint64_t held = 0;
    uint64_t wanted = 0;
    Instant wanted_at{};
    uint64_t sent = 0;                        // The newest grant; what it was told to run on.
    std::map<uint64_t, uint64_t> unanswered;  // Grants by seq that no report covers yet.

    uint64_t Exposure() const;
    uint64_t Demand(Instant now) const;
    void Answer(uint64_t seq);
    void Sent(uint64_t seq, uint64_t slots);
  };
  struct Worker {
    bool connected = false;
    bool restored = false;  // Has not said hello since the control plane started.
    Instant rejoin_until{};
    uint64_t seq = 0;       // Of the newest grant sent.
    uint64_t answered = 0;  // Of the newest grant a report covers.
    std::map<BackendKey, Share> shares;
  };
  using Messages = std::map<WorkerKey, worker::v1::SlotGrant>;

  void TakeEntries(Worker& worker, uint64_t seq, const Entries& entries, Instant now);
  void RebalanceOne(const BackendKey& key, uint64_t limit, Instant now, Messages& messages);
  void Send(const WorkerKey& name, Worker& worker, const BackendKey& key, uint64_t slots,
            Messages& messages);
  bool MayRaise(Instant now);
  void TouchAll();

  std::map<BackendKey, uint64_t> limits_;
  std::map<WorkerKey, Worker> workers_;
  std::set<BackendKey> touched_;  // To look at in the next Rebalance.
  Instant next_deadline_ = Instant::max();
};

}  // namespace lb::controlplane
