#include "controlplane/budget/slot_rights.h"

#include <algorithm>

namespace lb::controlplane {
namespace {

bool AnyAbove(const std::map<HostId, uint64_t>& known, const std::map<HostId, uint64_t>& said) {
  return std::any_of(known.begin(), known.end(), [&](const auto& entry) {
    const auto it = said.find(entry.first);
    return it == said.end() || it->second < entry.second;
  });
}

}  // namespace

bool SlotRights::Merge(HostId host, const SlotRow& row) {
  if (!rows_.contains(host) && rows_.size() >= kMaxHosts) return false;
  SlotRow& known = rows_[host];
  bool changed = false;
  if (const uint64_t to = std::min(row.minted, kMaxCount); to > known.minted) {
    total_ += static_cast<int64_t>(to - known.minted);
    rights_[host] += static_cast<int64_t>(to - known.minted);
    known.minted = to;
    changed = true;
  }
  if (const uint64_t to = std::min(row.unminted, kMaxCount); to > known.unminted) {
    total_ -= static_cast<int64_t>(to - known.unminted);
    rights_[host] -= static_cast<int64_t>(to - known.unminted);
    known.unminted = to;
    changed = true;
  }
  changed |= MergeMoves(row.given, known.given, host, true);
  changed |= MergeMoves(row.seized, known.seized, host, false);
  return changed;
}

bool SlotRights::Exceeds(HostId host, const SlotRow& row) const {
  const auto it = rows_.find(host);
  if (it == rows_.end()) return false;
  const SlotRow& known = it->second;
  return known.minted > row.minted || known.unminted > row.unminted ||
         AnyAbove(known.given, row.given) || AnyAbove(known.seized, row.seized);
}

int64_t SlotRights::RightsOf(HostId host) const {
  const auto it = rights_.find(host);
  return it == rights_.end() ? 0 : it->second;
}

uint64_t SlotRights::ReceivedBy(HostId host) const {
  const auto it = received_.find(host);
  return it == received_.end() ? 0 : it->second;
}

void SlotRights::Mint(HostId self, uint64_t slots) {
  SlotRow row;
  row.minted = rows_[self].minted + slots;
  Merge(self, row);
}

void SlotRights::Unmint(HostId self, uint64_t slots) {
  SlotRow row;
  row.unminted = rows_[self].unminted + slots;
  Merge(self, row);
}

void SlotRights::Give(HostId self, HostId to, uint64_t slots) {
  SlotRow row;
  row.given[to] = rows_[self].given[to] + slots;
  Merge(self, row);
}

void SlotRights::Seize(HostId self, HostId from) {
  const int64_t rights = RightsOf(from);
  if (rights <= 0) return;
  SlotRow row;
  row.seized[from] = rows_[self].seized[from] + static_cast<uint64_t>(rights);
  Merge(self, row);
}

bool SlotRights::MergeMoves(const std::map<HostId, uint64_t>& from, std::map<HostId, uint64_t>& to,
                            HostId host, bool given) {
  bool changed = false;
  for (const auto& [other, count] : from) {
    if (!to.contains(other) && to.size() >= kMaxHosts) continue;
    uint64_t& known = to[other];
    const uint64_t now = std::min(count, kMaxCount);
    if (now <= known) continue;
    const auto moved = static_cast<int64_t>(now - known);
    rights_[host] += given ? -moved : moved;
    rights_[other] += given ? moved : -moved;
    if (given) received_[other] += now - known;
    known = now;
    changed = true;
  }
  return changed;
}

}  // namespace lb::controlplane
