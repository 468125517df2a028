// All members that are known, by name and in the order in which they are probed. Threading: none.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/suspicion.h"

namespace lb::controlplane::swim {

struct Member {
  NodeState node;
  Instant changed_at;  // Of its state.
  std::optional<Suspicion> suspicion{};

  bool alive() const { return node.state == State::kAlive; }
  bool gone() const { return node.state == State::kDead || node.state == State::kLeft; }
};

// Whether both mean the same place, in whichever form.
bool SamePlace(const Address& a, const Address& b);

class MemberTable final {
 public:
  // Members in name order.
  const std::map<std::string, Member>& all() const { return members_; }
  size_t size() const { return members_.size(); }
  size_t CountAlive() const { return alive_; }

  Member* Find(const std::string& name);
  const Member* Find(const std::string& name) const;

  // A new one, dead until it is set to be something else, at a random place of the order.
  Member& Add(NodeState node, Instant now, Prng& prng);

  void SetState(Member& member, State state, Instant now);
  void Suspect(Member& member, Suspicion suspicion, Instant now);
  // True when the word of `from` counted.
  bool Confirm(Member& member, const std::string& from);

  // The next one of a round through all of them in random order. At the end of a round those are
  // dropped for which `drop` holds, told to `dropped`, and the order is made anew. nullptr: there
  // is none for which `wanted` holds.
  Member* NextToProbe(const std::function<bool(const Member&)>& wanted,
                      const std::function<bool(const Member&)>& drop,
                      const std::function<void(const Member&)>& dropped, Prng& prng);

  // Up to `count` different ones for which `wanted` holds.
  std::vector<Member*> Pick(size_t count, const std::function<bool(const Member&)>& wanted,
                            Prng& prng);

  // The suspected one whose time is over first, and when; nullptr: none.
  Member* FirstToExpire();
  Instant NextDeadline() const;

 private:
  void StartRound(const std::function<bool(const Member&)>& drop,
                  const std::function<void(const Member&)>& dropped, Prng& prng);

  std::map<std::string, Member> members_;
  std::vector<Member*> order_;
  size_t next_ = 0;
  size_t alive_ = 0;
  std::set<std::pair<Instant, std::string>> deadlines_;  // Of suspicions.
};

}  // namespace lb::controlplane::swim
