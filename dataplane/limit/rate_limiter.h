// One rate limit of this worker: new connections per second of each client, a token bucket each.
//
// A worker that is alone gives every client the whole limit. Where several share it, a quiet client
// has a part of the limit in each worker, and one that gets busy is reported and given a budget by
// the control plane: a rate, a burst and a time for which they hold. A bucket keeps its tokens over
// all changes of its shape.
// Admit and the counts are thread-safe; the rest belongs to the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"
#include "dataplane/limit/client_prefix.h"
#include "dataplane/limit/client_table.h"
#include "dataplane/limit/hot_clients.h"

namespace lb::dataplane {

class RateLimiter final {
 public:
  // What the configuration says.
  struct Settings {
    double rate_per_s = 1;  // At least 1.
    double burst = 1;       // At least 1.
    PrefixLengths prefix_lengths;
    uint64_t max_clients = 1;

    friend bool operator==(const Settings&, const Settings&) = default;
  };
  // How much of the limit a worker may use by itself.
  struct Shares {
    double quiet_ratio = 1;   // Of rate and burst, for a client without a budget; at most 1.
    double report_ratio = 0;  // A client above this part of the rate is reported; 0: none is.
    // What is safe by itself: for one that waits for a budget in vain. At most quiet_ratio.
    double fallback_ratio = 1;

    friend bool operator==(const Shares&, const Shares&) = default;
  };
  struct Usage {
    ClientPrefix client = 0;
    uint64_t arrivals = 0;  // Since it is reported; those before that its bucket still showed, too.
    uint64_t admitted = 0;
    uint64_t missing = 0;  // In its bucket now; the first time, what it took.
  };
  struct Budget {
    ClientPrefix client = 0;
    double rate_per_s = 0;
    double burst = 0;
    bool fill_growth = false;  // There is plenty: a larger bucket is filled.
    Duration ttl{};
  };
  // One client as a person wants to see it.
  struct ClientView {
    ClientPrefix client = 0;
    double arrivals_per_s = 0;
    double refused_per_s = 0;
    double tokens = 0;
    double burst = 0;
    double rate_per_s = 0;
    bool has_budget = false;
  };

  RateLimiter(const Settings& settings, const Shares& shares, const SipKey& key);

  // Thread-safe. Whether a connection of this client may begin now; takes a token if so.
  bool Admit(ClientPrefix client, Instant now);

  const PrefixLengths& prefix_lengths() const { return prefix_lengths_; }
  // The same limiter with other numbers. The prefix lengths and max_clients must be the same.
  void SetLimit(const Settings& settings, Instant now);
  void SetShares(const Shares& shares, Instant now);

  // True once after a client became busy.
  bool TakeAdded() { return hot_.TakeAdded(); }
  // What has changed since the last call; with `all`, everything.
  std::vector<Usage> TakeUsage(bool all, Instant now);
  void SetBudget(const Budget& budget, Instant now);
  // Ends budgets that were not renewed, and waiting for one, and forgets who is quiet. Call it
  // every 100 ms or so.
  void Step(Instant now);

  // The clients with the most arrivals of late, most first.
  std::vector<ClientView> Busiest(size_t count, Instant now);
  // One client as it stands; takes nothing.
  ClientView Look(ClientPrefix client, Instant now);

  size_t hot_clients() const { return hot_.count(); }
  size_t capacity() const { return table_.capacity(); }
  uint64_t pushed_out() const { return table_.pushed_out(); }
  // How often a busy client found no room among those with budgets.
  uint64_t refused_hot_clients() const { return hot_.refused(); }
  uint64_t expired_budgets() const { return expired_budgets_; }

 private:
  BucketShape Quiet() const;
  BucketShape Fallback() const;
  void StoreShapes();
  void ShapesChanged(bool fill_growth, Instant now);
  bool MayPassLimit(const ClientTable::Entry& entry, uint64_t now_ns) const;
  uint64_t MissingOf(ClientPrefix client, const BucketShape& shape, uint64_t now_ns);
  uint64_t TakenBefore(const HotClients::Client& hot, ClientPrefix client, uint64_t now_ns);
  static void NoteArrivals(HotClients::Client& hot, uint64_t now_ns);
  void EndBasis(HotClients::Client& hot, ClientPrefix client, uint64_t now_ns);
  void GiveShape(HotClients::Client& hot, ClientPrefix client, const BucketShape& shape,
                 bool fill_growth, uint64_t now_ns);
  ClientView ViewOf(ClientPrefix client, const ClientTable::Entry* entry, uint64_t now_ns);

  const PrefixLengths prefix_lengths_;
  Settings settings_;
  Shares shares_;
  ClientTable table_;
  HotClients hot_;
  std::atomic<double> quiet_interval_ns_{1};
  std::atomic<double> quiet_burst_{1};
  std::atomic<double> fallback_interval_ns_{1};
  std::atomic<double> fallback_burst_{1};
  std::atomic<double> report_per_s_{0};
  uint64_t expired_budgets_ = 0;
};

}  // namespace lb::dataplane
