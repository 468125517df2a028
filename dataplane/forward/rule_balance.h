// The balancing of one rule on one I/O thread: what the tables and the live states say, brought
// before the balancer whenever one of them changed.
//
// Looking at the health of every backend for each connection would cost a cache line each; one
// version of the rule says that nothing changed. Threading: its I/O thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "dataplane/balance/balancer.h"
#include "dataplane/balance/shares.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class RuleBalance final {
 public:
  // `table` outlives it. `previous` (nullptr: none) is the same rule before.
  RuleBalance(const RuleTable& table, size_t thread, uint64_t seed, const RuleBalance* previous);
  ~RuleBalance();
  RuleBalance(const RuleBalance&) = delete;
  RuleBalance& operator=(const RuleBalance&) = delete;

  // Takes in what has changed. Call it before the rest.
  void Refresh(Instant now) {
    const uint64_t version = table_.state->health_version.load();
    if (version != seen_version_ || now >= next_change_) Reread(version, now);
  }

  // As Balancer::Next: whose turn it is among those in use that are eligible(index).
  template <typename Eligible>
  std::optional<size_t> Next(uint64_t client_hash, Eligible&& eligible) {
    return balancer_.Next(
        client_hash, shares_,
        [this](size_t index) { return table_.backends[index].state->slots.held(); },
        [this] { return table_.Connections(); }, eligible);
  }
  template <typename Eligible>
  void Take(size_t index, Eligible&& eligible) {
    balancer_.Take(index, eligible);
  }

  bool InUse(size_t index) const { return shares_.weights()[index] > 0; }
  // True for a backup that stands by and could be used.
  bool StandsBy(size_t index) const {
    return shares_.backups_wait() && facts_[index].backup && facts_[index].usable &&
           facts_[index].weight > 0;
  }
  bool backups_wait() const { return shares_.backups_wait(); }

 private:
  void Reread(uint64_t version, Instant now);
  void Watch();

  const RuleTable& table_;
  const size_t thread_;
  std::vector<BackendFacts> facts_;
  Shares shares_;
  Balancer balancer_;
  uint64_t seen_version_ = 0;
  Instant next_change_ = Instant::max();  // Of the shares, or an ejected backend returns.
};

}  // namespace lb::dataplane
