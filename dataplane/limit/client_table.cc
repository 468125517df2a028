#include "dataplane/limit/client_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kMaxCount = 0xffff;

// Zeroed memory is an empty table; every member is a lock-free atomic of zero.
static_assert(sizeof(ClientTable::Entry) == 32, "two in a cache line");
static_assert(std::atomic<uint64_t>::is_always_lock_free);

struct Counts {
  uint64_t before;
  uint64_t now;
};

Counts CountsAt(uint64_t word, uint64_t now_ns) {
  const uint64_t second = now_ns / kSecondNs & 0xffff'ffff;
  const uint64_t at = word >> 32;
  if (at == second) return {word >> 16 & kMaxCount, word & kMaxCount};
  if (at + 1 == second) return {word & kMaxCount, 0};
  return {0, 0};
}

}  // namespace

void SecondCount::Add(uint64_t now_ns) {
  uint64_t word = word_.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    const Counts counts = CountsAt(word, now_ns);
    next = (now_ns / kSecondNs & 0xffff'ffff) << 32 | counts.before << 16 |
           std::min(counts.now + 1, kMaxCount);
  } while (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed));
}

double SecondCount::Rate(uint64_t now_ns) const {
  const Counts counts = CountsAt(word_.load(std::memory_order_relaxed), now_ns);
  const double part = static_cast<double>(now_ns % kSecondNs) / static_cast<double>(kSecondNs);
  return static_cast<double>(counts.before) * (1 - part) + static_cast<double>(counts.now);
}

uint32_t SecondCount::Recent(uint64_t now_ns) const {
  const Counts counts = CountsAt(word_.load(std::memory_order_relaxed), now_ns);
  return static_cast<uint32_t>(counts.before + counts.now);
}

ClientTable::ClientTable(size_t clients, const SipKey& key)
    : key_(key),
      set_mask_(std::bit_ceil(std::max(clients, kWays) / kWays) - 1),
      entries_(MakeZeroed<Entry>((set_mask_ + 1) * kWays)),
      page_used_(MakeZeroed<std::atomic<bool>>((set_mask_ + 1) * kWays / kPage + 1)) {}

template <typename T>
ClientTable::Zeroed<T> ClientTable::MakeZeroed(size_t count) {
  void* memory = std::calloc(count, sizeof(T));
  LB_CHECK(memory != nullptr);
  return Zeroed<T>(static_cast<T*>(memory), std::free);
}

ClientTable::Entry* ClientTable::Find(ClientPrefix client) {
  Entry* set = &entries_[FirstOf(client)];
  for (size_t i = 0; i < kWays; ++i) {
    if (set[i].client.load(std::memory_order_acquire) == client + 1) return &set[i];
  }
  return nullptr;
}

ClientTable::Entry& ClientTable::FindOrTake(ClientPrefix client, uint64_t now_ns) {
  // Again only when another thread took the same place at the same time.
  for (;;) {
    if (Entry* found = Find(client)) return *found;
    const size_t first = FirstOf(client);
    Entry* set = &entries_[first];
    Entry* least = set;
    for (size_t i = 1; i < kWays; ++i) {
      if (set[i].full_at.load(std::memory_order_relaxed) <
          least->full_at.load(std::memory_order_relaxed))
        least = &set[i];
    }
    uint64_t owner = least->client.load(std::memory_order_relaxed);
    const bool in_debt = least->full_at.load(std::memory_order_relaxed) > now_ns;
    if (!least->client.compare_exchange_strong(owner, client + 1, std::memory_order_acq_rel))
      continue;
    if (owner == 0) page_used_[first / kPage].store(true, std::memory_order_relaxed);
    if (in_debt) pushed_out_.fetch_add(1, std::memory_order_relaxed);
    least->arrivals.Clear();
    least->refused.Clear();
    return *least;
  }
}

bool ClientTable::Take(Entry& entry, const BucketShape& shape, uint64_t now_ns) {
  const auto interval_ns = static_cast<uint64_t>(shape.interval_ns + 0.5);
  const auto depth_ns = static_cast<uint64_t>(shape.interval_ns * shape.burst + 0.5);
  uint64_t full_at = entry.full_at.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    next = std::max(full_at, now_ns) + interval_ns;
    if (next - now_ns > depth_ns) return false;
  } while (!entry.full_at.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
  return true;
}

double ClientTable::Missing(const Entry& entry, const BucketShape& shape, uint64_t now_ns) {
  const uint64_t full_at = entry.full_at.load(std::memory_order_relaxed);
  if (full_at <= now_ns) return 0;
  return static_cast<double>(full_at - now_ns) / shape.interval_ns;
}

void ClientTable::Reshape(Entry& entry, const BucketShape& from, const BucketShape& to,
                          bool fill_growth, uint64_t now_ns) {
  uint64_t full_at = entry.full_at.load(std::memory_order_relaxed);
  uint64_t next = 0;
  do {
    const double missing =
        full_at <= now_ns ? 0 : static_cast<double>(full_at - now_ns) / from.interval_ns;
    double tokens = std::min(from.burst - missing, to.burst);
    if (fill_growth) tokens += std::max(0.0, to.burst - from.burst);
    next = now_ns + static_cast<uint64_t>((to.burst - tokens) * to.interval_ns);
  } while (!entry.full_at.compare_exchange_weak(full_at, next, std::memory_order_relaxed));
}

}  // namespace lb::dataplane
