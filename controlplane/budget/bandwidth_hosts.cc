#include "controlplane/budget/bandwidth_hosts.h"

namespace lb::controlplane {

void BandwidthHosts::Take(const std::string& host, const std::vector<BandwidthUse>& told,
                          Instant now) {
  Uses& uses = hosts_[host];
  if (uses.size() + told.size() > kMaxUsesOfHost)
    std::erase_if(uses, [&](const auto& entry) { return IsOver(entry.second, now); });
  for (const BandwidthUse& use : told) {
    if (use.connections == 0)
      uses.erase(use.id);
    else if (uses.size() < kMaxUsesOfHost || uses.contains(use.id))
      uses[use.id] = {use, now};
  }
}

std::vector<BandwidthUse> BandwidthHosts::Of(BandwidthId id, Instant now) const {
  std::vector<BandwidthUse> out;
  for (const auto& [host, uses] : hosts_) {
    const auto at = uses.find(id);
    if (at != uses.end() && !IsOver(at->second, now)) out.push_back(at->second.use);
  }
  return out;
}

size_t BandwidthHosts::size() const {
  size_t size = 0;
  for (const auto& [host, uses] : hosts_) size += uses.size();
  return size;
}

}  // namespace lb::controlplane
