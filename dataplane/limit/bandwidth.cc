#include "dataplane/limit/bandwidth.h"

#include <algorithm>

namespace lb::dataplane {
namespace {

ByteBucket::Shape Upload(const BandwidthRates& rates) {
  return {rates.upload_bytes_per_s, rates.upload_burst_bytes};
}

ByteBucket::Shape Download(const BandwidthRates& rates) {
  return {rates.download_bytes_per_s, rates.download_burst_bytes};
}

// Neighbours are told apart by their last bits, networks by their first.
size_t Fold(ClientPrefix client) {
  return static_cast<size_t>((client * 0x9e3779b97f4a7c15u) >> 32);
}

}  // namespace

BandwidthRates BandwidthRates::Part(double upload_ratio, double download_ratio) const {
  return {upload_bytes_per_s * upload_ratio, download_bytes_per_s * download_ratio,
          upload_burst_bytes > 0 ? std::max(1.0, upload_burst_bytes * upload_ratio) : 0,
          download_burst_bytes > 0 ? std::max(1.0, download_burst_bytes * download_ratio) : 0};
}

std::optional<BandwidthUse> TakeUse(const std::shared_ptr<BucketPair>& pair, Instant now) {
  BandwidthUse use;
  use.upload_bytes_total = pair->upload.used();
  use.download_bytes_total = pair->download.used();
  const uint64_t bytes = use.upload_bytes_total + use.download_bytes_total;
  if (std::exchange(pair->told_bytes, bytes) == bytes) return std::nullopt;
  use.connections = static_cast<uint32_t>(pair.use_count());
  use.upload_throttled = pair->upload.Throttles(now);
  use.download_throttled = pair->download.Throttles(now);
  return use;
}

BucketPair::BucketPair(const BandwidthRates& rates, Instant now)
    : upload(Upload(rates), now), download(Download(rates), now) {}

void BucketPair::SetRates(const BandwidthRates& rates, Instant now) {
  upload.SetShape(Upload(rates), now);
  download.SetShape(Download(rates), now);
}

ClientBuckets::ClientBuckets(const BandwidthRates& rates, const PrefixLengths& lengths, Instant now)
    : lengths_(lengths) {
  SetRates(rates, now);
}

std::shared_ptr<BucketPair> ClientBuckets::Of(const SocketAddress& client, Instant now) {
  const ClientPrefix prefix = PrefixOf(client, lengths_);
  Shard& shard = shards_[Fold(prefix) % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(prefix);
  if (found != shard.pairs.end()) return found->second;
  auto pair = std::make_shared<BucketPair>(shard.rates, now);
  if (shard.pairs.size() < kMaxClients / kShards) shard.pairs.emplace(prefix, pair);
  return pair;
}

void ClientBuckets::SetRates(const BandwidthRates& rates, Instant now) {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    if (shard.rates == rates) continue;
    shard.rates = rates;
    for (const auto& [client, pair] : shard.pairs) pair->SetRates(rates, now);
  }
}

std::vector<std::pair<ClientPrefix, BandwidthUse>> ClientBuckets::TakeUses(Instant now) {
  std::vector<std::pair<ClientPrefix, BandwidthUse>> uses;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [client, pair] : shard.pairs)
      if (const auto use = TakeUse(pair, now)) uses.emplace_back(client, *use);
  }
  return uses;
}

void ClientBuckets::SetBudget(ClientPrefix client, const BandwidthRates& rates, Instant until,
                              Instant now) {
  Shard& shard = shards_[Fold(client) % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(client);
  if (found == shard.pairs.end()) return;
  found->second->SetRates(rates, now);
  budgets_[client] = until;
}

void ClientBuckets::EndBudgets(Instant now) {
  for (auto it = budgets_.begin(); it != budgets_.end();) {
    if (it->second > now) {
      ++it;
      continue;
    }
    Shard& shard = shards_[Fold(it->first) % kShards];
    const MutexLock lock(shard.mutex);
    const auto found = shard.pairs.find(it->first);
    if (found != shard.pairs.end()) found->second->SetRates(shard.rates, now);
    it = budgets_.erase(it);
  }
}

void ClientBuckets::Sweep(Instant now) {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    // Under the lock nobody else can begin to use one.
    absl::erase_if(shard.pairs, [&](const auto& entry) {
      return entry.second.use_count() == 1 && entry.second->Full(now);
    });
  }
}

size_t ClientBuckets::clients() const {
  size_t count = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    count += shard.pairs.size();
  }
  return count;
}

}  // namespace lb::dataplane
