// The buckets of a bandwidth limit: a pair for each client or backend, one for each direction.
//
// A pair lives while a connection uses it, and after that until it is full again: who closes and
// comes back finds the bucket as it was left.
// Threading: Of on any thread; the rest on the control thread.
#pragma once

#include <array>
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

  friend bool operator==(const BandwidthRates&, const BandwidthRates&) = default;
};

struct BucketPair {
  BucketPair(const BandwidthRates& rates, Instant now);
  void SetRates(const BandwidthRates& rates, Instant now);
  bool Full(Instant now) { return upload.Full(now) && download.Full(now); }

  ByteBucket upload;
  ByteBucket download;
  uint64_t told_bytes = 0;  // Used when it was reported last. The control thread's.
};

// How a pair is used.
struct BandwidthUse {
  uint64_t upload_bytes_total = 0;
  uint64_t download_bytes_total = 0;
  uint32_t connections = 0;
  bool upload_throttled = false;
  bool download_throttled = false;
};

// The use of a pair, if bytes have passed since the last call. Control thread.
std::optional<BandwidthUse> TakeUse(const std::shared_ptr<BucketPair>& pair, Instant now);

class ClientBuckets final {
 public:
  // Clients kept; with more, new ones have a bucket that is not kept when they go.
  static constexpr size_t kMaxClients = 1'000'000;

  ClientBuckets(const BandwidthRates& rates, const PrefixLengths& lengths, Instant now);

  std::shared_ptr<BucketPair> Of(const SocketAddress& client, Instant now);

  // From now on, for open connections too.
  void SetRates(const BandwidthRates& rates, Instant now);
  // The use of every client that bytes have passed for since the last call.
  std::vector<std::pair<ClientPrefix, BandwidthUse>> TakeUses(Instant now);
  // Other rates for one client, until then; nothing when it has no connection.
  void SetBudget(ClientPrefix client, const BandwidthRates& rates, Instant until, Instant now);
  // Ends budgets that were not renewed. Call it every 100 ms or so.
  void EndBudgets(Instant now);
  // Forgets who would find a new bucket the same. Call it every second or so.
  void Sweep(Instant now);
  size_t clients() const;

 private:
  static constexpr size_t kShards = 16;
  struct Shard {
    mutable Mutex mutex;
    BandwidthRates rates ABSL_GUARDED_BY(mutex);
    absl::flat_hash_map<ClientPrefix, std::shared_ptr<BucketPair>> pairs ABSL_GUARDED_BY(mutex);
  };

  const PrefixLengths lengths_;
  std::array<Shard, kShards> shards_;
  std::map<ClientPrefix, Instant> budgets_;  // When they end. The control thread's.
};

}  // namespace lb::dataplane
