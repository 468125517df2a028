// Whole tables, exchanged with one other member at a time by TCP: to join, to repair what gossip
// missed, to find those again that were lost. Threading: none.
//
// Beyond memberlist: after a burst of news tables are exchanged sooner, and members that failed, or
// seeds that are not here, are called again for a day, so that the parts of a long partition find
// each other.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "controlplane/membership/rumors.h"
#include "controlplane/membership/shared.h"

namespace lb::controlplane::swim {

class Exchanger final {
 public:
  // At once, of this member's own.
  static constexpr size_t kMaxExchanges = 16;
  // A member that is alone calls its seeds at least so often, and twice as long each time up to it.
  static constexpr std::chrono::seconds kFirstRetry{1};
  static constexpr std::chrono::seconds kLastRetry{30};
  // Of the seeds that are named later, so many are called at once; each by so many members, about.
  static constexpr size_t kMaxNewSeeds = 4;
  static constexpr size_t kCallersOfNewSeed = 8;
  // More news than this at once, and some of it is missed by gossip.
  static constexpr size_t kBurst = 16;
  static constexpr std::chrono::seconds kAfterBurst{1};
  // Who was found again is asked once more: each side has then heard that its own were called dead.
  static constexpr std::chrono::seconds kFollowUp{2};
  static constexpr size_t kMaxFollowUps = 8;

  Exchanger(Shared& shared, Rumors& rumors) : shared_(shared), rumors_(rumors) {}

  void Start(Turn& turn);
  void Step(Turn& turn);
  Instant NextDeadline() const;

  void Take(const SetSeeds& seeds, Turn& turn);
  void Take(const Call& call, Turn& turn);
  void Take(const ExchangeDone& done, Turn& turn);
  // Another member's table came: ours goes back as it was before.
  void Answer(StreamId stream, const PushPull& table, Turn& turn);

 private:
  void Begin(const Address& to, bool join, Turn& turn);
  void CallSeeds(Turn& turn);
  void CallNewSeeds(const std::vector<Address>& before, Turn& turn);
  void CallLost(Turn& turn);
  void CallSomebody(Turn& turn);
  void StepAfterBurst(Turn& turn);
  std::vector<Address> Lost(Instant now);
  bool IsHere(const Address& address) const;
  PushPull Table(bool join) const;

  struct FollowUp {
    Instant at;
    Address to;
  };

  Shared& shared_;
  Rumors& rumors_;
  std::vector<Address> seeds_;
  std::map<ExchangeId, Address> exchanges_;  // Under way, and to where.
  std::vector<FollowUp> follow_ups_;         // In order of their time.
  Instant join_at_ = Instant::max();
  Duration join_delay_ = kFirstRetry;
  Instant push_pull_at_ = Instant::max();
  Instant reconnect_at_ = Instant::max();
  Instant burst_at_ = Instant::max();
  Duration burst_delay_{};
};

}  // namespace lb::controlplane::swim
