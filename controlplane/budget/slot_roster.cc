#include "controlplane/budget/slot_roster.h"

#include <algorithm>
#include <utility>

#include "controlplane/budget/slot_rights.h"

namespace lb::controlplane {

SlotRoster::SlotRoster(const std::string& self, Instant now)
    : self_(self), self_id_(IdOfHost(self)), began_at_(now) {}

void SlotRoster::Joined(const std::string& name) {
  const HostId id = IdOfHost(name);
  if (!hosts_.contains(id) && hosts_.size() >= SlotRights::kMaxHosts) return;
  Host& host = hosts_[id];
  host.name = name;
  host.gone_at.reset();
  host.left = host.forgotten = host.dropped = false;
}

void SlotRoster::Failed(const std::string& name, Instant now) {
  const auto it = hosts_.find(IdOfHost(name));
  if (it == hosts_.end()) return;
  if (!it->second.gone_at) it->second.gone_at = now;
  it->second.left = false;
}

void SlotRoster::Left(const std::string& name, Instant now) {
  const auto it = hosts_.find(IdOfHost(name));
  if (it == hosts_.end()) return;
  if (!it->second.gone_at) it->second.gone_at = now;
  it->second.left = true;
}

void SlotRoster::Forget(const std::string& name) {
  Host& host = hosts_[IdOfHost(name)];
  host.name = name;
  host.forgotten = true;
}

void SlotRoster::Reborn(const std::string& name) {
  const auto it = hosts_.find(IdOfHost(name));
  if (it != hosts_.end()) it->second.heard_at.reset();
}

void SlotRoster::Restore(const std::string& name, Instant now) {
  if (name == self_) return;
  Joined(name);
  Failed(name, now);
}

std::vector<std::string> SlotRoster::Names() const {
  std::vector<std::string> names;
  for (const auto& [id, host] : hosts_)
    if (!host.dropped && !host.forgotten) names.push_back(host.name);
  return names;
}

bool SlotRoster::Heard(const std::string& name, Instant now) {
  const auto it = hosts_.find(IdOfHost(name));
  if (it == hosts_.end() || it->second.gone_at || it->second.forgotten) return false;
  it->second.heard_at = now;
  return true;
}

bool SlotRoster::IsHeard(const Host& host, Instant now) const {
  return !host.gone_at && !host.forgotten && host.heard_at && now < *host.heard_at + kHeardFor;
}

bool SlotRoster::IsExpected(const Host& host) {
  return !host.forgotten && !host.left && !host.dropped;
}

SlotRoster::Side SlotRoster::Look(Instant now) const {
  std::map<std::string, HostId> heard{{self_, self_id_}};
  std::map<std::string, HostId> known = heard;
  for (const auto& [id, host] : hosts_) {
    if (!IsExpected(host)) continue;
    known.emplace(host.name, id);
    if (IsHeard(host, now)) heard.emplace(host.name, id);
  }
  Side side;
  side.expected = known.size();
  if (now < began_at_ + settings_.forget_after) side.expected = std::max(side.expected, seeds_ + 1);
  for (const auto& [name, id] : heard) side.hosts.push_back(id);
  for (const auto& [name, id] : known) side.known.push_back(id);
  const bool half_with_first =
      2 * heard.size() == side.expected && side.hosts.front() == side.known.front();
  side.majority = !settings_.away && (2 * heard.size() > side.expected || half_with_first);
  return side;
}

void SlotRoster::Drop(Instant now) {
  if (!Look(now).majority) return;
  for (auto& [id, host] : hosts_)
    host.dropped |= host.gone_at && now >= *host.gone_at + settings_.forget_after;
}

bool SlotRoster::IsGone(HostId id, Instant now) const {
  if (id == self_id_) return false;
  const auto it = hosts_.find(id);
  if (it == hosts_.end()) return now >= began_at_ + settings_.forget_after;
  const Host& host = it->second;
  return host.dropped || host.forgotten ||
         (host.left && now >= *host.gone_at + settings_.forget_after);
}

bool SlotRoster::IsForgotten(HostId host) const {
  const auto it = hosts_.find(host);
  return it != hosts_.end() && it->second.forgotten;
}

bool SlotRoster::IsHeard(HostId host, Instant now) const {
  const auto it = hosts_.find(host);
  return host == self_id_ || (it != hosts_.end() && IsHeard(it->second, now));
}

std::string SlotRoster::NameOf(HostId host) const {
  if (host == self_id_) return self_;
  const auto it = hosts_.find(host);
  return it == hosts_.end() ? "" : it->second.name;
}

}  // namespace lb::controlplane
