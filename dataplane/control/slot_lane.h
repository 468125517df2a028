// The slot lane of one session: grants become rights, use is reported.
//
// A report names what changed since the last one of the session (the first: everything), so that a
// busy worker's reports stay small, and always what is short of slots. Threading: the control
// thread.
#pragma once

#include <map>
#include <vector>

#include "absl/status/status.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class SlotLane final {
 public:
  // Entries of one message, so that it stays well below a mebibyte with the longest names.
  static constexpr int kMaxEntries = 1'500;

  // `registry` outlives the lane.
  explicit SlotLane(StateRegistry& registry) : registry_(registry) {}

  // Fills in the Hello: rights and use of every limited backend.
  void AppendTo(lb::worker::v1::Hello& hello);

  // Sets rights; what is not named keeps its own. InvalidArgument: the sender broke the contract.
  // ResourceExhausted: more backends than a worker remembers.
  absl::Status Take(const lb::worker::v1::SlotGrant& grant);

  // Reports of what changed, at least one when a grant was not answered yet; else maybe none.
  std::vector<lb::worker::v1::ConnectRequest> Report();

 private:
  struct Use {
    uint64_t granted = 0;
    uint64_t held = 0;
    uint64_t wanted = 0;
    friend bool operator==(const Use&, const Use&) = default;
  };

  std::map<BackendKey, Use> TakeUse();
  static void Add(const BackendKey& key, const Use& use, lb::worker::v1::SlotEntry& entry);

  StateRegistry& registry_;
  std::map<BackendKey, Use> told_;
  uint64_t seq_ = 0;           // Of the grant applied last.
  uint64_t answered_seq_ = 0;  // Of the grant reported last.
};

}  // namespace lb::dataplane
