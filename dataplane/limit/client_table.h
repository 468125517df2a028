// The clients of one limit and how full each one's bucket is: a table of fixed size that all I/O
// threads share without a lock.
//
// A bucket is kept as the time at which it will be full again (GCRA's "theoretical arrival time",
// ITU-T I.371 annex A): one word, changed by compare-and-swap. A bucket that is full tells nothing,
// so its place can be taken without loss; only clients that connected of late need one. Where all
// four places of a set are in use the one least in debt gives way, and the newcomer takes over its
// debt (the rule of Space-Saving: Metwally et al., 2005): being pushed out never fills a bucket
// again. Places are chosen by a keyed hash.
// Thread-safe; calls that say so belong to the control thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "dataplane/limit/client_prefix.h"
#include "dataplane/limit/siphash.h"

namespace lb::dataplane {

// A token bucket's size and speed.
struct BucketShape {
  double interval_ns = 1;  // From one token to the next; above 0.
  double burst = 1;        // Tokens it holds; at least 1.
};

// How often something happened to a client in this second and the one before, in one word: second
// 32 bits, before 16, now 16. Counts stop at 65,535.
class SecondCount final {
 public:
  void Add(uint64_t now_ns);
  // Per second, over the last second or so.
  double Rate(uint64_t now_ns) const;
  // In this second and the one before.
  uint32_t Recent(uint64_t now_ns) const;
  void Clear() { word_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> word_{0};
};

class ClientTable final {
 public:
  static constexpr size_t kWays = 4;

  // One client's place. Times are nanoseconds of the steady clock.
  struct Entry {
    std::atomic<uint64_t> client{0};   // The prefix plus 1; 0: never used.
    std::atomic<uint64_t> full_at{0};  // When the bucket is full again; the past: it is.
    SecondCount arrivals;
    SecondCount refused;
  };

  // Room for `clients` with buckets that are not full, rounded up to a power of two. Memory is
  // touched only as it is used.
  ClientTable(size_t clients, const SipKey& key);

  // Returns the client's place, taking one if it has none.
  Entry& FindOrTake(ClientPrefix client, uint64_t now_ns);
  // Returns the client's place, or nullptr.
  Entry* Find(ClientPrefix client);

  // Takes a token and returns true, or false when there is none.
  static bool Take(Entry& entry, const BucketShape& shape, uint64_t now_ns);
  // Tokens missing in the bucket.
  static double Missing(const Entry& entry, const BucketShape& shape, uint64_t now_ns);
  // Gives the bucket another shape. The tokens in it stay, as far as it holds them; with
  // `fill_growth` what it holds more than before is filled. Control thread.
  static void Reshape(Entry& entry, const BucketShape& from, const BucketShape& to,
                      bool fill_growth, uint64_t now_ns);

  // Calls `visit(prefix, entry)` for every place in use. Control thread.
  template <typename Visit>
  void ForEach(Visit&& visit) {
    for (size_t i = 0; i < capacity(); ++i) {
      if (i % kPage == 0 && !page_used_[i / kPage].load(std::memory_order_relaxed)) {
        i += kPage - 1;
        continue;
      }
      const uint64_t client = entries_[i].client.load(std::memory_order_acquire);
      if (client != 0) visit(client - 1, entries_[i]);
    }
  }

  size_t capacity() const { return (set_mask_ + 1) * kWays; }
  // How often a bucket that was not full had to give way.
  uint64_t pushed_out() const { return pushed_out_.load(std::memory_order_relaxed); }

 private:
  // Entries of one page of memory.
  static constexpr size_t kPage = 4'096 / sizeof(Entry);

  // Zeroed by calloc(3), so that pages that were never used cost nothing.
  template <typename T>
  using Zeroed = std::unique_ptr<T[], void (*)(void*)>;
  template <typename T>
  static Zeroed<T> MakeZeroed(size_t count);

  size_t FirstOf(ClientPrefix client) const { return (SipHash(key_, client) & set_mask_) * kWays; }

  const SipKey key_;
  const size_t set_mask_;
  Zeroed<Entry> entries_;
  Zeroed<std::atomic<bool>> page_used_;  // Whether ForEach has anything to look at.
  std::atomic<uint64_t> pushed_out_{0};
};

}  // namespace lb::dataplane
