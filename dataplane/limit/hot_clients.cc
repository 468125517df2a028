#include "dataplane/limit/hot_clients.h"

#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace lb::dataplane {

HotClients::HotClients()
    : slots_(static_cast<Client*>(std::calloc(kMaxClients, sizeof(Client))), std::free) {
  LB_CHECK(slots_ != nullptr);
}

HotClients::Client* HotClients::Find(ClientPrefix client) {
  if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
  const size_t first = FirstOf(client);
  for (size_t i = 0; i < kMaxProbes; ++i) {
    Client& slot = slots_[(first + i) % kMaxClients];
    // All places are looked at: one that was dropped leaves a gap.
    if (slot.client.load(std::memory_order_acquire) == client + 1)
      return slot.interval_ns.load(std::memory_order_acquire) > 0 ? &slot : nullptr;
  }
  return nullptr;
}

HotClients::Client* HotClients::Add(ClientPrefix client, const BucketShape& shape, uint64_t taken) {
  const size_t first = FirstOf(client);
  for (size_t i = 0; i < kMaxProbes; ++i) {
    Client& slot = slots_[(first + i) % kMaxClients];
    uint64_t owner = slot.client.load(std::memory_order_acquire);
    // Another thread adds the same one. (Two may, when a place between theirs gets free meanwhile:
    // the second is never found, and dropped when it is quiet.)
    if (owner == client + 1) return nullptr;
    if (owner != 0) continue;
    if (!slot.client.compare_exchange_strong(owner, client + 1, std::memory_order_acq_rel)) {
      if (owner == client + 1) return nullptr;
      continue;
    }
    slot.arrivals.store(taken, std::memory_order_relaxed);
    slot.admitted.store(taken, std::memory_order_relaxed);
    slot.burst.store(shape.burst, std::memory_order_relaxed);
    slot.interval_ns.store(shape.interval_ns, std::memory_order_release);
    BlockOf(slot).fetch_add(1, std::memory_order_release);
    count_.fetch_add(1, std::memory_order_relaxed);
    added_.store(true, std::memory_order_relaxed);
    return &slot;
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  crowded_.store(true, std::memory_order_relaxed);
  return nullptr;
}

void HotClients::LookAtRoom() {
  if (!crowded()) return;
  const uint64_t refused = this->refused();
  if (std::exchange(refused_before_, refused) == refused)
    crowded_.store(false, std::memory_order_relaxed);
}

void HotClients::Drop(Client& client) {
  client.interval_ns.store(0, std::memory_order_release);
  client.expires_ns = client.moved_ns = client.seen_arrivals = client.told_arrivals = 0;
  client.basis = Basis::kQuiet;
  client.told = false;
  client.client.store(0, std::memory_order_release);
  BlockOf(client).fetch_sub(1, std::memory_order_relaxed);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace lb::dataplane
