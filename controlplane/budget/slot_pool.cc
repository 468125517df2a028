#include "controlplane/budget/slot_pool.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "controlplane/budget/fair_shares.h"

namespace lb::controlplane {

void SlotPool::SetLimit(uint64_t limit) {
  if (limit != limit_) retarget_ = true;
  limit_ = limit;
}

void SlotPool::SetRights(std::optional<uint64_t> rights) {
  if (rights != rights_) retarget_ = true;
  rights_ = rights;
}

void SlotPool::SetConnected(const WorkerKey& worker, bool connected) {
  connected_[worker] = connected;
  if (connected) shares_.try_emplace(worker);
  retarget_ = true;
}

void SlotPool::Forget(const WorkerKey& worker) {
  shares_.erase(worker);
  connected_.erase(worker);
  retarget_ = true;
}

SlotPool::Settled SlotPool::Settle(Raise raise, Instant now) {
  Settled out;
  if (limit_ == 0) return out;
  const std::vector<Member> members = Connected(now);
  if (retarget_ || AnyShort(members)) Retarget(members, now);
  HoldBackCarried(members);
  Lower(members, out);
  RaiseShares(members, raise, out);
  for (const Member& member : members)
    if (member.share->must_send) out.grants.push_back({*member.key, member.share->granted()});
  return out;
}

std::optional<SlotPool::Grant> SlotPool::TakeBack(const WorkerKey& worker) {
  const auto it = shares_.find(worker);
  if (it == shares_.end()) return std::nullopt;
  const SlotShare& share = it->second;
  if (share.granted() == 0 || share.unanswered.size() >= SlotShare::kMaxUnanswered)
    return std::nullopt;
  return Grant{worker, 0};
}

void SlotPool::Sent(const Grant& grant, uint64_t seq) {
  SlotShare& share = shares_.at(grant.worker);
  share.unanswered.emplace_back(seq, grant.slots);
  share.must_send = false;
}

bool SlotPool::Shrink() {
  if (limit_ != 0) return false;
  std::erase_if(shares_, [](const auto& entry) { return entry.second.idle(); });
  return shares_.empty();
}

uint64_t SlotPool::TotalExposure() const {
  uint64_t total = 0;
  for (const auto& [key, share] : shares_) total += share.exposure();
  return total;
}

std::vector<SlotPool::Member> SlotPool::Connected(Instant now) {
  std::vector<Member> out;
  for (auto& [key, share] : shares_) {
    const auto it = connected_.find(key);
    if (it != connected_.end() && it->second) out.push_back({&key, &share});
  }
  const bool next_turn = now - retargeted_at_ >= kTurn;
  std::stable_sort(out.begin(), out.end(), [&](const Member& a, const Member& b) {
    const bool a_holds = next_turn && a.share->held > 0;
    const bool b_holds = next_turn && b.share->held > 0;
    return a_holds != b_holds ? a_holds : a.share->target < b.share->target;
  });
  return out;
}

// A worker that uses all it has will refuse the next connection.
bool SlotPool::AnyShort(const std::vector<Member>& members) const {
  return std::any_of(members.begin(), members.end(), [](const Member& member) {
    return std::max(member.share->wanted, member.share->held) >= member.share->granted();
  });
}

void SlotPool::Retarget(const std::vector<Member>& members, Instant now) {
  uint64_t elsewhere = TotalExposure();
  const uint64_t first_demand =
      std::max<uint64_t>(1, usable() / (kStartPart * std::max<size_t>(1, members.size())));
  std::vector<uint64_t> demands;
  for (const Member& member : members) {
    const SlotShare& share = *member.share;
    demands.push_back(std::max(share.demand(now), share.begins(now) ? first_demand : 0));
    elsewhere -= share.exposure();
  }
  const uint64_t to_divide = usable() - std::min(usable(), elsewhere);
  const std::vector<uint64_t> targets = FairShares(to_divide, demands);
  if (!retarget_ && OnlySwaps(members, demands, targets)) return;
  for (size_t i = 0; i < members.size(); ++i) {
    if (std::exchange(members[i].share->target, targets[i]) != targets[i]) retargeted_at_ = now;
  }
  retarget_ = false;
}

// True when single slots would move between workers that use all they have: a rounding that follows
// the noise of demand, and costs the slot while it moves.
bool SlotPool::OnlySwaps(const std::vector<Member>& members, const std::vector<uint64_t>& demands,
                         const std::vector<uint64_t>& targets) {
  for (size_t i = 0; i < members.size(); ++i) {
    const uint64_t now = members[i].share->target;
    if (targets[i] > now + 1 || now > targets[i] + 1) return false;
    if (targets[i] < now && demands[i] < now) return false;
    if (targets[i] > now && now == 0) return false;
  }
  return true;
}

// Above a lowered limit nobody gains: a worker that came back starts from nothing, since what older
// streams carried may never have reached it.
void SlotPool::HoldBackCarried(const std::vector<Member>& members) const {
  if (TotalExposure() <= usable()) return;
  for (const Member& member : members)
    if (member.share->carried()) member.share->target = 0;
}

void SlotPool::Lower(const std::vector<Member>& members, Settled& out) {
  for (const Member& member : members) {
    SlotShare& share = *member.share;
    if (share.target >= share.granted()) continue;
    if (share.unanswered.size() >= SlotShare::kMaxUnanswered) continue;
    out.grants.push_back({*member.key, share.target});
    share.must_send = false;
  }
}

void SlotPool::RaiseShares(std::vector<Member> members, Raise raise, Settled& out) {
  const uint64_t total = TotalExposure();
  if (total > usable()) return;
  uint64_t free = usable() - total;
  std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return a.share->granted() < b.share->granted();
  });
  for (const Member& member : members) {
    SlotShare& share = *member.share;
    if (share.target <= share.granted()) continue;
    if (share.unanswered.size() >= SlotShare::kMaxUnanswered) continue;
    if (raise == Raise::kNothing) {
      out.raise_waits = true;
      continue;
    }
    const uint64_t exposure = share.exposure();
    uint64_t slots = std::min(share.target, exposure + free);
    if (slots > exposure && raise != Raise::kAnything) {
      out.raise_waits = true;
      slots = exposure;
    }
    if (slots <= share.granted()) continue;
    if (slots > exposure) free -= slots - exposure;
    out.grants.push_back({*member.key, slots});
    share.must_send = false;
  }
}

}  // namespace lb::controlplane
