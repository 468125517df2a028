// The clients that have a budget of their own: those that may pass a limit that several workers
// share. A table of fixed size that all I/O threads read without a lock.
//
// An I/O thread adds a client that is busy; the control thread reports it, gives it the budget it
// is granted, and drops it when it is quiet. Counts are totals since the client was added, so that
// a report that is lost loses nothing.
// Thread-safe; calls that say so belong to the control thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "dataplane/limit/client_prefix.h"
#include "dataplane/limit/client_table.h"

namespace lb::dataplane {

class HotClients final {
 public:
  // Most at once; a client that finds no room has the part that is used without a control plane.
  // RateLedger::kMaxClients, for all limits together, is four times as many.
  static constexpr size_t kMaxClients = 16'384;

  // What a client's bucket is like.
  enum class Basis : uint8_t {
    kQuiet,     // As that of those who are not here: just added, or idle.
    kBudget,    // As it was granted.
    kFallback,  // As without a control plane: it waited for a budget in vain.
  };

  struct Client {
    std::atomic<uint64_t> client{0};  // The prefix plus 1; 0: free.
    // Its bucket's shape; no interval: it is only just being added.
    std::atomic<double> interval_ns{0};
    std::atomic<double> burst{0};
    std::atomic<uint64_t> arrivals{0};
    std::atomic<uint64_t> admitted{0};
    // The control thread's.
    uint64_t expires_ns = 0;     // Until when the basis holds; 0: just added.
    uint64_t moved_ns = 0;       // When its counts last changed; 0: just added.
    uint64_t seen_arrivals = 0;  // At that time.
    uint64_t told_arrivals = 0;  // Reported last.
    Basis basis = Basis::kQuiet;
    bool told = false;
  };

  HotClients();

  // Returns the client, or nullptr. Cheap while there is none.
  Client* Find(ClientPrefix client);

  // Adds the client with this shape; nullptr when there is no room, or another thread adds it.
  // `taken` is what it was admitted before, as far as its bucket still shows.
  Client* Add(ClientPrefix client, const BucketShape& shape, uint64_t taken);

  // Whether somebody found no room of late. Cheap.
  bool crowded() const { return crowded_.load(std::memory_order_relaxed); }
  // Control thread, every 100 ms or so: takes back `crowded` once nobody asks in vain any more.
  void LookAtRoom();
  // How often a client found no room.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

  // Control thread: forgets the client. A thread that is about to count it may count in vain.
  void Drop(Client& client);

  // Control thread: calls `visit(prefix, client)` for each.
  template <typename Visit>
  void ForEach(Visit&& visit) {
    if (count_.load(std::memory_order_acquire) == 0) return;
    for (size_t i = 0; i < kMaxClients; ++i) {
      if (i % kBlock == 0 && in_block_[i / kBlock].load(std::memory_order_acquire) == 0) {
        i += kBlock - 1;
        continue;
      }
      Client& slot = slots_[i];
      const uint64_t client = slot.client.load(std::memory_order_acquire);
      if (client != 0 && slot.interval_ns.load(std::memory_order_acquire) > 0)
        visit(client - 1, slot);
    }
  }

  size_t count() const { return count_.load(std::memory_order_relaxed); }
  // True once after a client was added by an I/O thread: it should be reported at once.
  bool TakeAdded() {
    return added_.load(std::memory_order_relaxed) &&
           added_.exchange(false, std::memory_order_relaxed);
  }

 private:
  // Places looked at for one client.
  static constexpr size_t kMaxProbes = 16;
  // Clients that ForEach passes over at once when there are none.
  static constexpr size_t kBlock = 64;

  std::atomic<uint32_t>& BlockOf(const Client& slot) {
    return in_block_[static_cast<size_t>(&slot - slots_.get()) / kBlock];
  }

  static size_t FirstOf(ClientPrefix client) {
    // Fibonacci hashing (Knuth, TAOCP 3, 6.4): what is here was busy enough to be known.
    return client * 0x9e3779b97f4a7c15 >> 50;
  }
  static_assert(kMaxClients == 1u << 14, "FirstOf leaves 14 bits");

  std::array<std::atomic<uint32_t>, kMaxClients / kBlock> in_block_{};
  std::atomic<size_t> count_{0};
  std::atomic<bool> crowded_{false};
  std::atomic<bool> added_{false};
  std::atomic<uint64_t> refused_{0};
  uint64_t refused_before_ = 0;  // At the last LookAtRoom.
  // Zeroed by calloc(3): while nobody is busy it costs nothing.
  const std::unique_ptr<Client[], void (*)(void*)> slots_;
};

}  // namespace lb::dataplane
