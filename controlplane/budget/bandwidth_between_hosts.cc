// What BandwidthLedger has to do with other hosts.
#include <algorithm>
#include <utility>

#include "controlplane/budget/bandwidth_ledger.h"

namespace lb::controlplane {

BandwidthId BandwidthLedger::IdOf(const Name& name) {
  const auto& [rule, client, backend] = name;
  return IdOfBandwidth(rule, client, backend);
}

void BandwidthLedger::NoteShared(const Name& name) {
  const BandwidthId id = IdOf(name);
  shared_.emplace(id, name);
  news_.insert(id);
}

BandwidthLedger::Entries::iterator BandwidthLedger::Erase(Entries::iterator at) {
  if (LimitOf(at->first).shared) {
    const BandwidthId id = IdOf(at->first);
    shared_.erase(id);
    news_.erase(id);
  }
  return uses_.erase(at);
}

void BandwidthLedger::SetCluster(const Cluster& cluster) {
  if (std::exchange(cluster_, cluster) == cluster) return;
  for (const auto& [id, name] : shared_) changed_.insert(name);
}

void BandwidthLedger::ReportHost(const std::string& host, const std::vector<BandwidthUse>& uses,
                                 Instant now) {
  hosts_.Take(host, uses, now);
  for (const BandwidthUse& use : uses) {
    const auto at = shared_.find(use.id);
    if (at != shared_.end()) changed_.insert(at->second);
  }
}

void BandwidthLedger::ForgetHost(const std::string& host) {
  hosts_.Forget(host);
  for (const auto& [id, name] : shared_) changed_.insert(name);
}

void BandwidthLedger::ForgetHosts() {
  hosts_.Clear();
  for (const auto& [id, name] : shared_) {
    uses_.at(name).told_at.reset();
    changed_.insert(name);
  }
}

BandwidthUse BandwidthLedger::Sum(BandwidthId id, const Uses& uses) {
  BandwidthUse sum{.id = id, .upload = {}, .download = {}, .workers = 0};
  const auto add = [](const Way& way, BandwidthUse::Way& to) {
    to.bytes_per_s += way.bytes_per_s;
    to.throttled |= way.throttled;
  };
  for (const auto& [worker, use] : uses) {
    add(use.upload, sum.upload);
    add(use.download, sum.download);
    sum.connections += use.connections;
    ++sum.workers;
  }
  return sum;
}

std::vector<BandwidthId> BandwidthLedger::BeginRound(size_t most) {
  // Throttled or not, bytes per second.
  std::vector<std::pair<std::pair<bool, double>, BandwidthId>> all;
  for (const auto& [id, name] : shared_) {
    const BandwidthUse use = Sum(id, uses_.at(name).uses);
    all.push_back({{use.upload.throttled || use.download.throttled,
                    use.upload.bytes_per_s + use.download.bytes_per_s},
                   id});
  }
  std::sort(all.rbegin(), all.rend());
  std::vector<BandwidthId> busiest;
  for (size_t i = 0; i < all.size(); ++i) {
    const BandwidthId id = all[i].second;
    if (i < most)
      busiest.push_back(id);
    else
      uses_.at(shared_.at(id)).told_at.reset();
  }
  return busiest;
}

std::vector<BandwidthId> BandwidthLedger::TakeNews(size_t most) {
  std::vector<BandwidthId> ids;
  while (ids.size() < most && !news_.empty()) ids.push_back(news_.extract(news_.begin()).value());
  return ids;
}

std::optional<BandwidthUse> BandwidthLedger::Tell(BandwidthId id, Instant now) {
  const auto at = shared_.find(id);
  if (at == shared_.end()) return std::nullopt;
  Entry& entry = uses_.at(at->second);
  if (entry.uses.empty()) return std::nullopt;
  if (!entry.told_at) entry.told_at = now;
  return Sum(id, entry.uses);
}

BandwidthLedger::Others BandwidthLedger::OthersOf(const std::string& rule, uint64_t client,
                                                  const std::string& backend, Instant now) const {
  Others others;
  for (const BandwidthUse& use : hosts_.Of(IdOfBandwidth(rule, client, backend), now)) {
    ++others.hosts;
    others.connections += use.connections;
    others.upload_bytes_per_s += use.upload.bytes_per_s;
    others.download_bytes_per_s += use.download.bytes_per_s;
  }
  return others;
}

}  // namespace lb::controlplane
