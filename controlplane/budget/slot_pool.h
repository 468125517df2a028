// The slots of one backend or rule, divided over workers so that what they may hold together never
// passes the limit.
//
// Rights move by lowering first: a share is raised only by what reports have shown to be free. Each
// share counts with its exposure, the most its worker may hold in any order of events. Pure;
// threading: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/slot_share.h"
#include "controlplane/stream/worker_key.h"

namespace lb::controlplane {

class SlotPool final {
 public:
  // Workers that begin are taken to want one in so many of all slots together, and one each at
  // least, so that who joins a busy host does not begin by refusing.
  static constexpr uint64_t kStartPart = 20;
  // How long what was decided stays while others want as much.
  static constexpr std::chrono::seconds kTurn{1};

  // How far shares may be raised.
  enum class Raise : uint8_t {
    kNothing,       // Not at all: workers that are not known may hold slots.
    kWhatIsStored,  // Up to their exposures, which are stored already.
    kAnything,
  };

  struct Grant {
    WorkerKey worker;
    uint64_t slots;
  };
  struct Settled {
    std::vector<Grant> grants;  // To be sent, and noted with Sent().
    bool raise_waits = false;   // A raise was held back by `raise`.
  };

  // Slots over all workers; 0: there is no such limit any more, which leaves rights as they are.
  void SetLimit(uint64_t limit);
  uint64_t limit() const { return limit_; }

  // How many of them this host may use, which others share; absent: all.
  void SetRights(std::optional<uint64_t> rights);
  const std::optional<uint64_t>& rights() const { return rights_; }

  // A connected worker's share is divided anew; the others keep what they have.
  void SetConnected(const WorkerKey& worker, bool connected);
  void Forget(const WorkerKey& worker);

  SlotShare& ShareOf(const WorkerKey& worker) { return shares_[worker]; }
  const std::map<WorkerKey, SlotShare>& shares() const { return shares_; }

  // Decides what each connected worker should have, and how far to go now.
  Settled Settle(Raise raise, Instant now);

  // Returns 0 for the worker where the limit is gone, if it still has rights.
  std::optional<Grant> TakeBack(const WorkerKey& worker);

  // Notes that a grant was sent.
  void Sent(const Grant& grant, uint64_t seq);

  // Drops shares of nothing where the limit is gone; true when none is left.
  bool Shrink();

  // The most that all workers together may hold.
  uint64_t TotalExposure() const;

 private:
  struct Member {
    const WorkerKey* key;
    SlotShare* share;
  };

  // In the order in which those that want as much get less: who was meant to get less, but after
  // kTurn who holds some. So a slot of which there are fewer than workers goes round, and not so
  // fast that it is on its way all the time.
  std::vector<Member> Connected(Instant now);
  bool AnyShort(const std::vector<Member>& members) const;
  static bool OnlySwaps(const std::vector<Member>& members, const std::vector<uint64_t>& demands,
                        const std::vector<uint64_t>& targets);
  void Retarget(const std::vector<Member>& members, Instant now);
  void HoldBackCarried(const std::vector<Member>& members) const;
  void Lower(const std::vector<Member>& members, Settled& out);
  void RaiseShares(std::vector<Member> members, Raise raise, Settled& out);

  uint64_t usable() const { return rights_ ? std::min(limit_, *rights_) : limit_; }

  uint64_t limit_ = 0;
  std::optional<uint64_t> rights_;
  bool retarget_ = true;
  Instant retargeted_at_;  // When some target changed.
  std::map<WorkerKey, SlotShare> shares_;
  std::map<WorkerKey, bool> connected_;
};

}  // namespace lb::controlplane
