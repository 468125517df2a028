#include "dataplane/forward/rule_balance.h"

#include <algorithm>
#include <utility>

#include "dataplane/snapshot/balance_tables.h"

namespace lb::dataplane {
namespace {

std::vector<uint32_t> WeightsOf(const RuleTable& table) {
  std::vector<uint32_t> weights;
  weights.reserve(table.backends.size());
  for (const BackendTable& backend : table.backends) weights.push_back(backend.weight);
  return weights;
}

// Where each backend of `table` stands in `previous`, by name. Both are sorted.
SmoothWrr::Origins OriginsOf(const RuleTable& table, const RuleTable& previous) {
  SmoothWrr::Origins origins;
  origins.reserve(table.backends.size());
  size_t old = 0;
  for (const BackendTable& backend : table.backends) {
    while (old < previous.backends.size() && previous.backends[old].name < backend.name) ++old;
    const bool same = old < previous.backends.size() && previous.backends[old].name == backend.name;
    origins.push_back(same ? std::optional<size_t>(old) : std::nullopt);
  }
  return origins;
}

Balancer::Options OptionsOf(const RuleTable& table, uint64_t seed) {
  // Where routes send the clients this one sends nobody, and must not watch the backends.
  return {
      .algorithm = table.sni == nullptr ? table.balance.algorithm : Algorithm::kWeightedRoundRobin,
      .hash_tables = table.balance.hash_tables,
      .hash_bound_ratio = table.balance.hash_bound_ratio,
      .seed = seed};
}

}  // namespace

RuleBalance::RuleBalance(const RuleTable& table, size_t thread, uint64_t seed,
                         const RuleBalance* previous)
    : table_(table),
      thread_(thread),
      facts_(table.backends.size()),
      shares_(table.backends.size(), ShareOptions(table)),
      balancer_(WeightsOf(table), OptionsOf(table, seed),
                previous == nullptr ? nullptr : &previous->balancer_,
                previous == nullptr ? SmoothWrr::Origins() : OriginsOf(table, previous->table_)) {
  Watch();
  // The first Refresh reads everything.
  seen_version_ = table_.state->health_version.load() - 1;
}

RuleBalance::~RuleBalance() {
  LeastLoaded* own = balancer_.least_loaded();
  if (own == nullptr) return;
  for (const BackendTable& backend : table_.backends) {
    BackendCounters& counters = backend.state->counters[thread_];
    if (counters.watcher == own) counters.watcher = nullptr;
  }
}

// The newest balancer of a backend on this thread is the one that is told of its connections; an
// older one chooses nobody any more.
void RuleBalance::Watch() {
  LeastLoaded* own = balancer_.least_loaded();
  if (own == nullptr) return;
  for (size_t i = 0; i < table_.backends.size(); ++i) {
    BackendCounters& counters = table_.backends[i].state->counters[thread_];
    counters.watcher = own;
    counters.watched_as = i;
    own->SetLoad(i, counters.connections.Read());
  }
}

void RuleBalance::Reread(uint64_t version, Instant now) {
  // The version first: a change while reading makes for another reading.
  seen_version_ = version;
  const Instant next_return = ReadFacts(table_, now, facts_);
  shares_.Update(facts_, now);
  next_change_ = std::min(shares_.next_change(), next_return);
  balancer_.Reweigh(shares_);
}

}  // namespace lb::dataplane
