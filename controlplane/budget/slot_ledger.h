// Every connection limit of the host, divided over its workers: reports in, grants out.
//
// A backend may have a limit, and so may a rule: on its clients' connections, kept by a key without
// a backend, and dealt to workers that know such limits; others refuse the snapshot. What a worker
// may hold counts until it reported less, or its stream and process are gone, so the sum stays
// within the limit over restarts of workers. Over those of the control plane it does as far as the
// state file has got: writing begins before a grant goes out, and nobody waits for its end. Slots
// of a limit that leaves the configuration go on counting in case it returns. Threading: none.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "controlplane/budget/slot_pool.h"
#include "controlplane/snapshot/backend_key.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/state/v1/state.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class SlotLedger final {
 public:
  // Most bytes of entries in one SlotGrant message.
  static constexpr size_t kGrantBytes = size_t{256} << 10;
  // Most limits one worker may report on: a bound on what one stream can make us keep.
  static constexpr size_t kMaxEntries = 100'000;

  struct ToWorker {
    WorkerKey worker;
    worker::v1::ConnectResponse message;
  };

  // Takes what the state file says of one worker.
  void Restore(const state::v1::StoredState::Worker& worker);

  // Sets the limits of all rules and backends; one without a limit is not limited here.
  void SetLimits(const LiveRules& rules);

  // How many slots of a limit this host may use, which it shares with others; absent: all of them.
  // Nothing for a limit that was never set.
  void SetRights(const BackendKey& key, std::optional<uint64_t> rights);

  // How a limit is used on this host. Zeros for one that was never set.
  struct Use {
    uint64_t held = 0;
    uint64_t wanted = 0;  // With those held.
  };
  Use UseOf(const BackendKey& key, Instant now) const;

  // A worker said hello (one that CheckHello accepts). It is sent every right anew.
  void Connect(const WorkerKey& worker, const worker::v1::Hello& hello, Instant now);
  // A worker that is not connected gave rights up for another one that says in its hello what it
  // has: as many are taken from what is believed of the first.
  void Inherit(const WorkerKey& from, const worker::v1::Hello& hello);
  // Its stream ended: it keeps what it has, and gains nothing.
  void Disconnect(const WorkerKey& worker);
  // Its process is gone: what it had is free.
  void Forget(const WorkerKey& worker);
  // It runs the newest snapshot: rights under limits that are not in there can be taken back.
  void Synced(const WorkerKey& worker);

  // Takes a report. FailedPrecondition for an answer to a grant that was not sent,
  // ResourceExhausted when it names too many limits.
  absl::Status Report(const WorkerKey& worker, const worker::v1::SlotReport& report, Instant now);

  // Returns the grants to send now, in order per worker. Raises beyond what is stored want
  // Raise::kAnything: the state, with them in it, is handed to the disk first.
  std::vector<ToWorker> Settle(SlotPool::Raise raise, Instant now);

  // When a worker's word of what it wants gets too old, so that Settle may divide anew;
  // Instant::max() for never.
  Instant NextDeadline() const;

  // True when the worker has no slot under some limit but is meant to get one.
  bool Starves(const WorkerKey& worker) const;

  // True when Settle held a raise back for want of `raise`.
  bool raise_waits() const { return raise_waits_; }
  // True when something that Store writes changed since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

  // Writes the exposures of one worker.
  void Store(const WorkerKey& worker, state::v1::StoredState::Worker& out) const;

  // The most that all workers together may hold of one backend, or of a rule.
  uint64_t TotalExposure(const BackendKey& key) const;

 private:
  struct Holder {
    bool connected = false;
    bool synced = false;       // Since the limits were set.
    bool rule_limits = false;  // It knows limits of rules.
    uint64_t next_seq = 0;
    std::set<BackendKey> limits;  // Where it has a share.
  };
  using Grants = std::map<WorkerKey, std::vector<std::pair<BackendKey, uint64_t>>>;

  // Numbers of grants: the first of a session carries over what was sent on older streams.
  static constexpr uint64_t kCarriedSeq = 1;
  static constexpr uint64_t kFirstSeq = 2;

  // Whether a worker may be told of a limit.
  static bool Takes(const Holder& holder, const BackendKey& key) {
    return holder.rule_limits || !key.backend.empty();
  }
  SlotShare& ShareOf(const WorkerKey& worker, Holder& holder, const BackendKey& key);
  void SettleOne(const BackendKey& key, SlotPool::Raise raise, Instant now, Grants& grants);
  void TakeBack(const BackendKey& key, SlotPool& pool, Grants& grants);
  void Send(const WorkerKey& worker, const std::vector<std::pair<BackendKey, uint64_t>>& entries,
            std::vector<ToWorker>& out);

  std::map<BackendKey, SlotPool> pools_;
  std::map<WorkerKey, Holder> holders_;
  std::set<BackendKey> dirty_;
  // Limits whose division rests on what a worker wants beyond what it holds, and when to look at
  // them again; each is once in the queue.
  std::set<BackendKey> fading_;
  std::deque<std::pair<Instant, BackendKey>> fading_order_;
  bool raise_waits_ = false;
  bool changed_ = false;
};

}  // namespace lb::controlplane
