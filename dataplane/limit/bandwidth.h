// The buckets of a bandwidth limit: a pair for each client or backend, one for each direction.
//
// A pair lives while a connection uses it, and after that until it is full again: who closes and
// comes back finds the bucket as it was left.
// Threading: Of on any thread; the rest on the control thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "base/time.h"
#include "dataplane/limit/byte_bucket.h"
#include "dataplane/limit/client_prefix.h"

namespace lb::dataplane {

// What one client or backend may use in this worker, until then.
struct BandwidthBudget {
  double upload_ratio = 1;  // Of the limit, above 0 and at most 1.
  double download_ratio = 1;
  Instant until{};
};

// Bytes per second of each direction, as seen from the client; 0: no limit.
struct BandwidthRates {
  double upload_bytes_per_s = 0;
  double download_bytes_per_s = 0;
  double upload_burst_bytes = 0;    // At least 1 where there is a limit.
  double download_burst_bytes = 0;  // Likewise.

  bool any() const { return upload_bytes_per_s > 0 || download_bytes_per_s > 0; }
  // A part of each direction, above 0 and at most 1.
  BandwidthRates Part(double upload_ratio, double download_ratio) const;
  BandwidthRates Part(double ratio) const { return Part(ratio, ratio); }
  BandwidthRates Part(const BandwidthBudget& budget) const {
    return Part(budget.upload_ratio, budget.download_ratio);
  }

  friend bool operator==(const BandwidthRates&, const BandwidthRates&) = default;
};

struct BucketPair {
  BucketPair(const BandwidthRates& rates, Instant now);
  void SetRates(const BandwidthRates& rates, Instant now);
  // Control thread: what is below becomes that of the time since the last call, `elapsed` ago.
  // True when both are full.
  bool Sample(Instant now, Duration elapsed);

  ByteBucket upload;
  ByteBucket download;
  std::atomic<uint32_t> connections{0};  // That use it now; counted by those who do.
  // The control thread's.
  uint64_t told_bytes = 0;  // Used when it was reported last.
  uint64_t sampled_upload_bytes = 0;
  uint64_t sampled_download_bytes = 0;
  double upload_bytes_per_s = 0;
  double download_bytes_per_s = 0;
  bool throttled = false;  // Somebody waited when it was looked at.
};

// A pair as a person wants to see it.
struct BandwidthView {
  ClientPrefix client = 0;        // 0: of a backend.
  double upload_bytes_per_s = 0;  // Moved, over the last second or so.
  double download_bytes_per_s = 0;
  uint32_t connections = 0;
  bool throttled = false;

  double bytes_per_s() const { return upload_bytes_per_s + download_bytes_per_s; }
};
BandwidthView ViewOf(ClientPrefix client, const BucketPair& pair);

// How a pair is used.
struct BandwidthUse {
  uint64_t upload_bytes_total = 0;
  uint64_t download_bytes_total = 0;
  uint32_t connections = 0;
  bool upload_throttled = false;
  bool download_throttled = false;
};

// The use of a pair, if bytes have passed since the last call. Control thread.
std::optional<BandwidthUse> TakeUse(BucketPair& pair, Instant now);

class ClientBuckets final {
 public:
  // Clients kept; with more, new ones have a bucket that is not kept when they go.
  static constexpr size_t kMaxClients = 1'000'000;

  ClientBuckets(const BandwidthRates& rates, double part_ratio, const PrefixLengths& lengths,
                Instant now);

  std::shared_ptr<BucketPair> Of(const SocketAddress& client, Instant now);

  // From now on, for open connections too; clients with a budget have their part of these rates.
  // `part_ratio` is everybody else's part, above 0 and at most 1.
  void SetRates(const BandwidthRates& rates, double part_ratio, Instant now);
  // The use of clients that bytes have passed for since they were told last, some `most` of them.
  // The next call goes on where this one stops.
  std::vector<std::pair<ClientPrefix, BandwidthUse>> TakeUses(Instant now, size_t most);
  // Another part for one client, until then; nothing when it has no connection.
  void SetBudget(ClientPrefix client, const BandwidthBudget& budget, Instant now);
  // Ends budgets that were not renewed. Call it every 100 ms or so.
  void EndBudgets(Instant now);
  // Samples some of the clients, and forgets those who would find a new bucket the same. Comes to
  // all of them in kSweeps calls; call it every 100 ms or so.
  static constexpr size_t kSweeps = 10;
  void Sweep(Instant now);
  // The clients that moved the most bytes of late, most first.
  std::vector<BandwidthView> Busiest(size_t count) const;
  BandwidthView Look(ClientPrefix client) const;

  const PrefixLengths& prefix_lengths() const { return lengths_; }
  size_t clients() const;
  // Buckets that were not kept, since there were too many clients.
  uint64_t not_kept() const { return not_kept_.load(std::memory_order_relaxed); }
  // Clients that had to wait for their turn when the last sweep looked.
  size_t throttled() const { return throttled_; }

 private:
  static constexpr size_t kShards = 250;  // A sweep holds up one of them at a time.
  // Clients that TakeUses looks at in one call, about.
  static constexpr size_t kMaxLooks = 100'000;

  struct Shard {
    mutable Mutex mutex;
    BandwidthRates rates ABSL_GUARDED_BY(mutex);  // Of who has no budget.
    absl::flat_hash_map<ClientPrefix, std::shared_ptr<BucketPair>> pairs ABSL_GUARDED_BY(mutex);
    // The control thread's.
    Instant swept_at{};
    size_t throttled = 0;
  };

  const PrefixLengths lengths_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> not_kept_{0};
  // The control thread's.
  BandwidthRates all_;  // Of which everybody has a part.
  std::map<ClientPrefix, BandwidthBudget> budgets_;
  size_t throttled_ = 0;
  size_t next_swept_ = 0;
  size_t next_told_ = 0;
};

}  // namespace lb::dataplane
