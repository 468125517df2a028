// What was asked of workers and takes longer than a call: a bounded table of operations, by number.
//
// An order is sent again on a new stream of the same process until it is done; the worker carries
// an id out at most once, also when the control plane was restarted meanwhile. Threading: none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "controlplane/admin/failure.h"
#include "controlplane/stream/worker_key.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/state/v1/state.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// The operation with its state, which follows from how it ended.
admin::v1::Operation WithState(admin::v1::Operation operation);

class Operations final {
 public:
  // The newest that are kept, and those that are under way.
  static constexpr size_t kMaxOperations = 1000;
  // The newest of those that are done that are kept over a restart.
  static constexpr size_t kMaxStoredDone = 100;

  // `life` tells apart the ids of one life of the control plane from those of the next.
  explicit Operations(std::string life) : life_(std::move(life)) {}

  // TOO_MANY_OPERATIONS when kMaxOperations are under way: no call may begin another.
  std::optional<Failure> CheckRoom() const;

  // Notes an order for a worker and returns it with an id. It ends what that worker still
  // had to do, since only the newest order of a worker counts. `connections` are what the worker
  // reported last: they are left until it says otherwise.
  worker::v1::Command Start(const WorkerKey& worker, worker::v1::Command order,
                            uint64_t connections);

  // Adds work that is no order of one worker; whoever adds it goes on with it by Edit. Returns its
  // number.
  uint64_t Open(const std::string& kind, const std::string& target, uint64_t connections,
                const std::string& status);
  // The operation of a number, to be changed; nullptr when the table has dropped it.
  admin::v1::Operation* Edit(uint64_t number);

  // Ends an operation that is under way as CANCELLED.
  void Cancel(uint64_t number, const std::string& status);

  // The worker that an operation is an order of; nullptr: of none.
  const WorkerKey* WorkerOf(uint64_t number) const;
  // The number in "operations/NUMBER" of one that is kept.
  std::optional<uint64_t> NumberOf(const std::string& name) const;
  // Ends one that is not done, with an error unless the code is OK. Nothing when it is not kept.
  void End(uint64_t number, absl::StatusCode code, const std::string& words);

  // What is to be kept over a restart. Of one that is under way only what does not change.
  void Store(state::v1::StoredState& state) const;
  // Takes one that was stored; whoever had begun it goes on with it. Numbers go on after it.
  void Restore(const state::v1::StoredState::Operation& stored);
  void RestoreLast(uint64_t last_number) { next_ = std::max(next_, last_number + 1); }

  // Notes that one was ended by Edit().
  void NoteChanged() { changed_ = true; }
  // True when one began or ended since the last call.
  bool TakeChanged() { return std::exchange(changed_, false); }

  // Takes news of a drain. False when they are about no order that is under way: the table is
  // bounded, and only the newest order of a worker counts.
  bool Progress(const worker::v1::DrainStatus& status);

  // Ends what a worker that is gone had to do.
  void Forget(const WorkerKey& worker);

  // The orders that a worker has not finished.
  std::vector<worker::v1::Command> Unfinished(const WorkerKey& worker) const;

  // The drain that a worker has not finished, or nullptr.
  const admin::v1::Operation* RunningDrain(const WorkerKey& worker) const;

  // The one started last. Requires that there is one.
  const admin::v1::Operation& newest() const { return entries_.rbegin()->second.operation; }

  // Those that are kept with a number below `before`, newest first, `most` at most, with their
  // numbers.
  std::vector<std::pair<uint64_t, const admin::v1::Operation*>> Newest(uint64_t before,
                                                                       size_t most) const;

  // The operation "operations/ID", or nullptr.
  const admin::v1::Operation* Find(const std::string& name) const;

 private:
  struct Entry {
    WorkerKey worker;
    worker::v1::Command order;
    admin::v1::Operation operation;
  };

  // Drops the oldest that is done when there are too many.
  void MakeRoom();

  std::string life_;
  std::map<uint64_t, Entry> entries_;
  uint64_t next_ = 1;
  bool changed_ = false;
};

}  // namespace lb::controlplane
