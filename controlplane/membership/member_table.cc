#include "controlplane/membership/member_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lb::controlplane::swim {
namespace {

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

// Of ::ffff:a.b.c.d the four bytes (RFC 4291 section 2.5.5.2).
std::string_view Plain(const std::string& ip) {
  static constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const std::string_view bytes(ip);
  return bytes.size() == kIpv6Bytes && bytes.substr(0, kMapped.size()) == kMapped
             ? bytes.substr(kIpv6Bytes - kIpv4Bytes)
             : bytes;
}

// Fisher and Yates; std::shuffle is not the same everywhere.
void Shuffle(std::vector<Member*>& order, Prng& prng) {
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[prng.Below(i)]);
}

}  // namespace

bool SamePlace(const Address& a, const Address& b) {
  return a.port == b.port && Plain(a.ip) == Plain(b.ip);
}

Member* MemberTable::Find(const std::string& name) {
  const auto it = members_.find(name);
  return it == members_.end() ? nullptr : &it->second;
}

const Member* MemberTable::Find(const std::string& name) const {
  const auto it = members_.find(name);
  return it == members_.end() ? nullptr : &it->second;
}

Member& MemberTable::Add(NodeState node, Instant now, Prng& prng) {
  node.state = State::kDead;
  std::string name = node.name;
  const auto [it, added] = members_.try_emplace(std::move(name), Member{std::move(node), now});
  LB_CHECK(added);
  order_.push_back(&it->second);
  std::swap(order_.back(), order_[prng.Below(order_.size())]);
  return it->second;
}

void MemberTable::SetState(Member& member, State state, Instant now) {
  if (member.suspicion) deadlines_.erase({member.suspicion->deadline(), member.node.name});
  member.suspicion.reset();
  if (member.alive()) --alive_;
  if (state == State::kAlive) ++alive_;
  if (member.node.state != state) member.changed_at = now;
  member.node.state = state;
}

void MemberTable::Suspect(Member& member, Suspicion suspicion, Instant now) {
  SetState(member, State::kSuspect, now);
  deadlines_.insert({suspicion.deadline(), member.node.name});
  member.suspicion = std::move(suspicion);
}

bool MemberTable::Confirm(Member& member, const std::string& from) {
  const Instant before = member.suspicion->deadline();
  if (!member.suspicion->Confirm(from)) return false;
  deadlines_.erase({before, member.node.name});
  deadlines_.insert({member.suspicion->deadline(), member.node.name});
  return true;
}

void MemberTable::StartRound(const std::function<bool(const Member&)>& drop,
                             const std::function<void(const Member&)>& dropped, Prng& prng) {
  next_ = 0;
  const auto kept = std::partition(order_.begin(), order_.end(),
                                   [&](const Member* member) { return !drop(*member); });
  for (auto it = kept; it != order_.end(); ++it) {
    LB_CHECK((*it)->gone());
    dropped(**it);
    members_.erase(std::string((*it)->node.name));
  }
  order_.erase(kept, order_.end());
  Shuffle(order_, prng);
}

Member* MemberTable::NextToProbe(const std::function<bool(const Member&)>& wanted,
                                 const std::function<bool(const Member&)>& drop,
                                 const std::function<void(const Member&)>& dropped, Prng& prng) {
  for (size_t looked = 0; looked <= members_.size(); ++looked) {
    if (next_ >= order_.size()) StartRound(drop, dropped, prng);
    if (order_.empty()) return nullptr;
    Member* const member = order_[next_++];
    if (wanted(*member)) return member;
  }
  return nullptr;
}

std::vector<Member*> MemberTable::Pick(size_t count,
                                       const std::function<bool(const Member&)>& wanted,
                                       Prng& prng) {
  std::vector<Member*> picked;
  // Most are wanted: a few tries find enough. A big table with few of them is gone through.
  const size_t tries = 3 * order_.size();
  for (size_t i = 0; i < std::min<size_t>(tries, 64) && picked.size() < count; ++i) {
    Member* const member = order_[prng.Below(order_.size())];
    if (!wanted(*member)) continue;
    if (std::find(picked.begin(), picked.end(), member) == picked.end()) picked.push_back(member);
  }
  if (picked.size() == count || order_.empty()) return picked;
  const size_t begin = prng.Below(order_.size());
  for (size_t i = 0; i < order_.size() && picked.size() < count; ++i) {
    Member* const member = order_[(begin + i) % order_.size()];
    if (!wanted(*member)) continue;
    if (std::find(picked.begin(), picked.end(), member) == picked.end()) picked.push_back(member);
  }
  return picked;
}

Member* MemberTable::FirstToExpire() {
  return deadlines_.empty() ? nullptr : Find(deadlines_.begin()->second);
}

Instant MemberTable::NextDeadline() const {
  return deadlines_.empty() ? Instant::max() : deadlines_.begin()->first;
}

}  // namespace lb::controlplane::swim
