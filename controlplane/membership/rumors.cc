#include "controlplane/membership/rumors.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "controlplane/membership/message_codec.h"

namespace lb::controlplane::swim {
namespace {

using Kind = MemberNotice::Kind;

constexpr char kNobody[] = "";

Alive AliveOf(const NodeState& node) {
  return {node.incarnation, node.name, node.address, node.meta, node.versions};
}

}  // namespace

void Rumors::Start(Turn& turn) {
  const Options& options = shared_.options;
  meta_ = options.meta;
  shared_.table.Add({options.name, options.address, 0, State::kDead, meta_, options.versions},
                    turn.now, shared_.prng);
  TellOfSelf(1, turn);
}

void Rumors::TellOfSelf(uint32_t incarnation, Turn& turn) {
  Member& self = *shared_.table.Find(shared_.options.name);
  shared_.table.SetState(self, State::kAlive, turn.now);
  self.node.incarnation = incarnation;
  self.node.meta = meta_;
  shared_.queue.Add(self.node.name, Encode(AliveOf(self.node)));
}

void Rumors::SetMeta(const std::string& meta, Turn& turn) {
  if (meta == meta_ || shared_.leaving) return;
  meta_ = meta;
  TellOfSelf(shared_.self().node.incarnation + 1, turn);
}

void Rumors::Leave(Turn& turn) {
  Member& self = *shared_.table.Find(shared_.options.name);
  shared_.leaving = true;
  shared_.table.SetState(self, State::kLeft, turn.now);
  const NodeState& node = self.node;
  shared_.queue.Add(node.name, Encode(Dead{node.incarnation, node.name, node.name}));
}

void Rumors::Refute(uint32_t accused, Turn& turn) {
  ++shared_.counters.refutations;
  shared_.AddAwareness(1);
  TellOfSelf(std::max(shared_.self().node.incarnation, accused) + 1, turn);
  shared_.Notice(Kind::kRefuted, shared_.self().node, turn);
  changed_ = true;
}

bool Rumors::IsCompatible(const Versions& versions) const {
  const Versions& own = shared_.options.versions;
  if (versions.protocol_max == 0 || versions.protocol_min > versions.protocol_max) return false;
  const auto in = [](uint8_t version, uint8_t min, uint8_t max) {
    return version >= min && version <= max;
  };
  return in(own.protocol, versions.protocol_min, versions.protocol_max) &&
         in(versions.protocol, own.protocol_min, own.protocol_max) &&
         in(own.delegate, versions.delegate_min, versions.delegate_max) &&
         in(versions.delegate, own.delegate_min, own.delegate_max);
}

// One of them in a table keeps others from exchanging theirs: it is not passed on either.
bool Rumors::IsSane(const Alive& alive) const {
  return !alive.node.empty() && !alive.address.ip.empty() && alive.meta.size() <= kMaxMeta &&
         alive.incarnation < kMaxIncarnation && alive.versions && IsCompatible(*alive.versions);
}

bool Rumors::MayHave(const Member& member, uint32_t incarnation) {
  return incarnation < std::max(member.node.incarnation, kFarIncarnation) + kMaxStep;
}

bool Rumors::MayLose(const Member& member, uint32_t incarnation) {
  return incarnation <= member.node.incarnation || incarnation < kFarIncarnation;
}

Member* Rumors::AddOrReclaim(const Alive& alive, Turn& turn) {
  Member* const member = shared_.table.Find(alive.node);
  if (member == nullptr) {
    if (shared_.table.size() >= shared_.options.max_members) return nullptr;
    return &shared_.table.Add(
        {alive.node, alive.address, 0, State::kDead, alive.meta, alive.versions}, turn.now,
        shared_.prng);
  }
  if (SamePlace(member->node.address, alive.address)) return member;
  const bool free = member->node.state == State::kLeft ||
                    (member->node.state == State::kDead &&
                     turn.now - member->changed_at > shared_.options.timing.gossip_to_the_dead);
  if (free) return member;
  ++shared_.counters.conflicts;
  turn.actions.push_back(MemberNotice{Kind::kConflict, alive.node, alive.address});
  return nullptr;
}

void Rumors::Take(const Alive& said, Turn& turn) {
  Alive alive = said;
  if (alive.address.port == 0) alive.address.port = shared_.options.address.port;
  if (shared_.leaving && shared_.IsSelf(alive.node)) return;
  if (!IsSane(alive)) {
    ++shared_.counters.refused;
    return;
  }
  const Member* const before = shared_.table.Find(alive.node);
  const bool known = before != nullptr;
  if (known && !MayHave(*before, alive.incarnation)) {
    ++shared_.counters.refused;
    return;
  }
  Member* const member = AddOrReclaim(alive, turn);
  if (member == nullptr) {
    if (!known) ++shared_.counters.refused;
    return;
  }
  if (shared_.IsSelf(alive.node)) return TakeOfSelf(alive, turn);
  const bool reclaimed = !SamePlace(member->node.address, alive.address);
  TakeOfOther(*member, alive, reclaimed || !known, turn);
}

void Rumors::TakeOfSelf(const Alive& alive, Turn& turn) {
  const NodeState& self = shared_.self().node;
  if (alive.incarnation < self.incarnation) return;
  if (alive.incarnation == self.incarnation && alive.meta == self.meta &&
      alive.versions == self.versions)
    return;
  Refute(alive.incarnation, turn);
}

void Rumors::TakeOfOther(Member& member, const Alive& alive, bool reclaimed, Turn& turn) {
  if (!reclaimed && alive.incarnation <= member.node.incarnation) return;
  const bool was_gone = member.gone();
  const bool other_meta = member.node.meta != alive.meta;
  member.node.address = alive.address;
  member.node.incarnation = alive.incarnation;
  member.node.meta = alive.meta;
  member.node.versions = alive.versions;
  shared_.table.SetState(member, State::kAlive, turn.now);
  shared_.departed.erase(alive.node);
  shared_.queue.Add(alive.node, Encode(alive));
  changed_ = true;
  if (was_gone)
    shared_.Notice(Kind::kJoined, member.node, turn);
  else if (other_meta)
    shared_.Notice(Kind::kUpdated, member.node, turn);
}

void Rumors::Take(const Suspect& suspect, Turn& turn) {
  Member* const member = shared_.table.Find(suspect.node);
  if (member == nullptr || suspect.incarnation < member->node.incarnation ||
      !MayLose(*member, suspect.incarnation))
    return;
  if (member->suspicion) {
    if (shared_.table.Confirm(*member, suspect.from))
      shared_.queue.Add(suspect.node, Encode(suspect));
    return;
  }
  if (!member->alive()) return;
  if (shared_.IsSelf(suspect.node)) return Refute(suspect.incarnation, turn);
  Accuse(*member, suspect, turn);
  shared_.queue.Add(suspect.node, Encode(suspect));
}

void Rumors::Accuse(Member& member, const Suspect& suspect, Turn& turn) {
  member.node.incarnation = suspect.incarnation;
  shared_.table.Suspect(
      member, Suspicion(shared_.options.timing, shared_.table.size(), suspect.from, turn.now),
      turn.now);
  shared_.Notice(Kind::kSuspected, member.node, turn);
  changed_ = true;
}

// A table says that it is suspected or dead, not who says so. That is no new voice: passed on as
// one, those of all who exchange tables would add up. Whoever it is about is told, and can refute.
void Rumors::TakeHearsay(const NodeState& node, Turn& turn) {
  Member* const member = shared_.table.Find(node.name);
  if (member == nullptr || !member->alive() || node.incarnation < member->node.incarnation ||
      !MayLose(*member, node.incarnation))
    return;
  if (shared_.IsSelf(node.name)) return Refute(node.incarnation, turn);
  Accuse(*member, {node.incarnation, node.name, kNobody}, turn);
  shared_.SendParts(*member, {Encode(Suspect{node.incarnation, node.name, shared_.options.name})},
                    turn);
}

void Rumors::Bury(Member& member, State state, Turn& turn) {
  shared_.table.SetState(member, state, turn.now);
  changed_ = true;
  shared_.Notice(state == State::kLeft ? Kind::kLeft : Kind::kFailed, member.node, turn);
  if (shared_.departed.size() < shared_.options.max_members)
    shared_.departed.insert_or_assign(member.node.name, Departed{member.node, turn.now});
}

void Rumors::Take(const Dead& dead, Turn& turn) {
  Member* const member = shared_.table.Find(dead.node);
  if (member == nullptr || dead.incarnation < member->node.incarnation ||
      !MayLose(*member, dead.incarnation) || member->gone())
    return;
  if (shared_.IsSelf(dead.node)) return Refute(dead.incarnation, turn);
  member->node.incarnation = dead.incarnation;
  shared_.queue.Add(dead.node, Encode(dead));
  Bury(*member, dead.from == dead.node ? State::kLeft : State::kDead, turn);
}

void Rumors::ExpireSuspicions(Turn& turn) {
  while (shared_.table.NextDeadline() <= turn.now) {
    const Member* const member = shared_.table.FirstToExpire();
    LB_CHECK(member != nullptr && member->suspicion);
    Take(Dead{member->node.incarnation, member->node.name, shared_.options.name}, turn);
  }
}

bool Rumors::Merge(const PushPull& table, Turn& turn) {
  changed_ = false;
  for (const NodeState& node : table.nodes) {
    switch (node.state) {
      case State::kAlive:
        Take(AliveOf(node), turn);
        break;
      case State::kLeft:
        Take(Dead{node.incarnation, node.name, node.name}, turn);
        break;
      case State::kDead:
      case State::kSuspect:
        TakeHearsay(node, turn);
        break;
    }
  }
  return changed_;
}

}  // namespace lb::controlplane::swim
