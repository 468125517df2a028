#include "dataplane/limit/bandwidth.h"

#include <algorithm>
#include <chrono>
#include <utility>

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

std::optional<BandwidthUse> TakeUse(BucketPair& pair, Instant now) {
  const ByteBucket::State upload = pair.upload.Look(now);
  const ByteBucket::State download = pair.download.Look(now);
  const uint64_t bytes = upload.used + download.used;
  if (std::exchange(pair.told_bytes, bytes) == bytes) return std::nullopt;
  return BandwidthUse{.upload_bytes_total = upload.used,
                      .download_bytes_total = download.used,
                      .connections = std::max(1u, pair.connections.load(std::memory_order_relaxed)),
                      .upload_throttled = upload.throttles,
                      .download_throttled = download.throttles};
}

BucketPair::BucketPair(const BandwidthRates& rates, Instant now)
    : upload(Upload(rates), now), download(Download(rates), now) {}

void BucketPair::SetRates(const BandwidthRates& rates, Instant now) {
  upload.SetShape(Upload(rates), now);
  download.SetShape(Download(rates), now);
}

bool BucketPair::Sample(Instant now, Duration elapsed) {
  const ByteBucket::State up = upload.Look(now);
  const ByteBucket::State down = download.Look(now);
  throttled = up.throttles || down.throttles;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const auto rate = [&](uint64_t used, uint64_t& before) {
    // Less than before: what was booked then was given back.
    const uint64_t moved = used - std::min(used, std::exchange(before, used));
    return static_cast<double>(moved) / seconds;
  };
  if (seconds > 0) {
    upload_bytes_per_s = rate(up.used, sampled_upload_bytes);
    download_bytes_per_s = rate(down.used, sampled_download_bytes);
  }
  return up.full && down.full;
}

BandwidthView ViewOf(ClientPrefix client, const BucketPair& pair) {
  return {.client = client,
          .upload_bytes_per_s = pair.upload_bytes_per_s,
          .download_bytes_per_s = pair.download_bytes_per_s,
          .connections = pair.connections.load(std::memory_order_relaxed),
          .throttled = pair.throttled};
}

ClientBuckets::ClientBuckets(const BandwidthRates& rates, double part_ratio,
                             const PrefixLengths& lengths, Instant now)
    : lengths_(lengths) {
  SetRates(rates, part_ratio, now);
}

std::shared_ptr<BucketPair> ClientBuckets::Of(const SocketAddress& client, Instant now) {
  const ClientPrefix prefix = PrefixOf(client, lengths_);
  Shard& shard = shards_[Fold(prefix) % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(prefix);
  if (found != shard.pairs.end()) return found->second;
  auto pair = std::make_shared<BucketPair>(shard.rates, now);
  if (shard.pairs.size() < kMaxClients / kShards)
    shard.pairs.emplace(prefix, pair);
  else
    not_kept_.fetch_add(1, std::memory_order_relaxed);
  return pair;
}

void ClientBuckets::SetRates(const BandwidthRates& rates, double part_ratio, Instant now) {
  all_ = rates;
  const BandwidthRates part = rates.Part(part_ratio);
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    if (shard.rates == part) continue;
    shard.rates = part;
    for (const auto& [client, pair] : shard.pairs) {
      const auto budget = budgets_.find(client);
      pair->SetRates(budget == budgets_.end() ? part : rates.Part(budget->second), now);
    }
  }
}

std::vector<std::pair<ClientPrefix, BandwidthUse>> ClientBuckets::TakeUses(Instant now,
                                                                           size_t most) {
  std::vector<std::pair<ClientPrefix, BandwidthUse>> uses;
  size_t looks = 0;
  for (size_t i = 0; i < kShards && looks < kMaxLooks; ++i) {
    Shard& shard = shards_[next_told_];
    const MutexLock lock(shard.mutex);
    for (const auto& [client, pair] : shard.pairs) {
      if (uses.size() == most) return uses;  // The rest of the shard is first in the next call.
      if (const auto use = TakeUse(*pair, now)) uses.emplace_back(client, *use);
    }
    looks += shard.pairs.size();
    next_told_ = (next_told_ + 1) % kShards;
  }
  return uses;
}

void ClientBuckets::SetBudget(ClientPrefix client, const BandwidthBudget& budget, Instant now) {
  Shard& shard = shards_[Fold(client) % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(client);
  if (found == shard.pairs.end()) return;
  found->second->SetRates(all_.Part(budget), now);
  budgets_[client] = budget;
}

void ClientBuckets::EndBudgets(Instant now) {
  for (auto it = budgets_.begin(); it != budgets_.end();) {
    if (it->second.until > now) {
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
  for (size_t i = 0; i < (kShards + kSweeps - 1) / kSweeps; ++i) {
    Shard& shard = shards_[std::exchange(next_swept_, (next_swept_ + 1) % kShards)];
    const Duration elapsed = now - std::exchange(shard.swept_at, now);
    throttled_ -= std::exchange(shard.throttled, 0);
    const MutexLock lock(shard.mutex);
    // Under the lock nobody else can begin to use one.
    absl::erase_if(shard.pairs, [&](const auto& entry) {
      const bool full = entry.second->Sample(now, elapsed);
      if (entry.second->throttled) ++shard.throttled;
      return full && entry.second.use_count() == 1;
    });
    throttled_ += shard.throttled;
  }
}

std::vector<BandwidthView> ClientBuckets::Busiest(size_t count) const {
  const auto busier = [](const BandwidthView& a, const BandwidthView& b) {
    if (a.bytes_per_s() != b.bytes_per_s()) return a.bytes_per_s() > b.bytes_per_s();
    return a.client < b.client;
  };
  std::vector<BandwidthView> heap;  // The least busy of those kept is in front.
  if (count == 0) return heap;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [client, pair] : shard.pairs) {
      const BandwidthView view = ViewOf(client, *pair);
      if (heap.size() == count && !busier(view, heap.front())) continue;
      if (heap.size() == count) {
        std::pop_heap(heap.begin(), heap.end(), busier);
        heap.pop_back();
      }
      heap.push_back(view);
      std::push_heap(heap.begin(), heap.end(), busier);
    }
  }
  std::sort(heap.begin(), heap.end(), busier);
  return heap;
}

BandwidthView ClientBuckets::Look(ClientPrefix client) const {
  const Shard& shard = shards_[Fold(client) % kShards];
  const MutexLock lock(shard.mutex);
  const auto found = shard.pairs.find(client);
  return found == shard.pairs.end() ? BandwidthView{.client = client}
                                    : ViewOf(client, *found->second);
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
