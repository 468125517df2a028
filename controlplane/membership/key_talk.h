// Members change the keys of their cluster together: an order is asked of all as one of Serf's
// questions, carried out by each, and answered to the one who asked. Pure; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/membership/event.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/membership/member_table.h"
#include "controlplane/membership/ordered_keys.h"
#include "controlplane/membership/query_book.h"
#include "controlplane/membership/serf_query.h"

namespace lb::controlplane::swim {

class KeyTalk final {
 public:
  // Orders of this host that wait for answers.
  static constexpr size_t kMaxRounds = 4;
  // Questions that are passed on at once; a newer one pushes out an older one.
  static constexpr size_t kMaxPassedOn = 16;
  // Longer ones fit into no datagram beside what seals it.
  static constexpr size_t kMaxPassedOnBytes = 1'300;

  explicit KeyTalk(uint64_t seed) : prng_(seed) {}

  // Whom it is among, and what follows.
  struct Turn {
    Instant now;
    const std::string& name;   // Of this member.
    const Address& address;    // Where others reach it.
    const std::string& label;  // See GossipKeys.
    const std::map<std::string, Member>& members;
    std::vector<Tell>& tell;  // To all, by gossip.
    std::vector<ClusterAction>& actions;
  };

  // Takes a message of the application; what is no question or answer is left alone.
  void Hear(std::string_view message, Turn& turn);

  // Carries an order out here and asks all others for it; KeysAnswered with this number follows,
  // in this turn or later. There is room (full()), and for what is no list CarryOut's Check is
  // good.
  void Ask(uint64_t round, KeyVerb verb, const std::string& key, Turn& turn);
  bool full() const { return rounds_.size() >= kMaxRounds; }

  // Asks once more, and answers what has waited long enough.
  void Step(Turn& turn);
  // Nobody is asked any more: answers what waits.
  void End(std::vector<ClusterAction>& actions);
  Instant NextDeadline() const;

  OrderedKeys& keys() { return keys_; }
  const OrderedKeys& keys() const { return keys_; }
  QueryBook& book() { return book_; }
  const QueryBook& book() const { return book_; }

 private:
  struct Round {
    KeyVerb verb = KeyVerb::kList;
    std::string key;
    std::map<std::string, std::optional<KeyAnswer>> answers;  // By member.
    std::set<std::pair<uint64_t, uint32_t>> questions;        // Times and ids.
    Duration timeout{};
    Instant again_at;  // Datagrams may be lost; who carried the order out says so again.
    Instant deadline;
  };

  void TakeQuery(std::string_view message, const SerfQuery& query, Turn& turn);
  void TakeAnswer(const SerfAnswer& answer, Turn& turn);
  KeyAnswer CarryOut(KeyVerb verb, const std::string& key, const std::string& by, Turn& turn);
  void Send(Round& round, Turn& turn);
  void PassOn(std::string_view message, Turn& turn);
  static bool IsWhole(const Round& round);
  static void Finish(uint64_t number, Round& round, std::vector<ClusterAction>& actions);

  Prng prng_;
  OrderedKeys keys_;
  QueryBook book_;
  std::map<uint64_t, Round> rounds_;
  size_t next_passed_on_ = 0;
};

}  // namespace lb::controlplane::swim
