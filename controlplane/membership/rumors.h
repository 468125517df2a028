// What is believed of members, and what is done with what others say of them. Threading: none.
//
// Source: Das, Gupta, Motivala, "SWIM", 2002, section 4.2, with memberlist's rules for who wins: of
// one incarnation dead goes before suspect before alive; a higher one goes before all, and only a
// member itself makes it.
#pragma once

#include <string>

#include "controlplane/membership/shared.h"

namespace lb::controlplane::swim {

class Rumors final {
 public:
  // Higher ones are malformed: the next one must exist, many times over.
  static constexpr uint32_t kMaxIncarnation = 0xffff'0000;
  // One message must not drive a member to where no incarnation is left to refute with: an
  // accusation beyond is taken of an incarnation that is known alone, and a member goes on from
  // there in small steps.
  static constexpr uint32_t kFarIncarnation = 0x8000'0000;
  static constexpr uint32_t kMaxStep = 0x1'0000;

  explicit Rumors(Shared& shared) : shared_(shared) {}

  // Puts this member into its table, and tells of it.
  void Start(Turn& turn);

  void Take(const Alive& alive, Turn& turn);
  void Take(const Suspect& suspect, Turn& turn);
  void Take(const Dead& dead, Turn& turn);

  // Of a whole table; true when something changed by it.
  bool Merge(const PushPull& table, Turn& turn);

  // Tells that this member is another one from now on.
  void SetMeta(const std::string& meta, Turn& turn);
  // Tells that this member goes.
  void Leave(Turn& turn);

  // Those that did not refute in time are dead.
  void ExpireSuspicions(Turn& turn);

  // Whether it may be in a cluster with this member.
  bool IsCompatible(const Versions& versions) const;

 private:
  bool IsSane(const Alive& alive) const;
  // Whether what is said of a member's incarnation can be: that it has it, or lost it.
  static bool MayHave(const Member& member, uint32_t incarnation);
  static bool MayLose(const Member& member, uint32_t incarnation);
  Member* AddOrReclaim(const Alive& alive, Turn& turn);
  void TakeOfSelf(const Alive& alive, Turn& turn);
  void TakeOfOther(Member& member, const Alive& alive, bool reclaimed, Turn& turn);
  void Accuse(Member& member, const Suspect& suspect, Turn& turn);
  void TakeHearsay(const NodeState& node, Turn& turn);
  void Refute(uint32_t accused, Turn& turn);
  void TellOfSelf(uint32_t incarnation, Turn& turn);
  void Bury(Member& member, State state, Turn& turn);

  Shared& shared_;
  std::string meta_;  // Of this member.
  bool changed_ = false;
};

}  // namespace lb::controlplane::swim
