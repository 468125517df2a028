#include "dataplane/forward/thread_rule.h"

#include <atomic>
#include <vector>

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

}  // namespace

ThreadRule::ThreadRule(std::shared_ptr<const RuleTable> table, size_t thread, uint64_t seed,
                       const ThreadRule* previous)
    : table_(std::move(table)),
      thread_(thread),
      round_robin_(previous == nullptr ? SmoothWrr(WeightsOf(*table_), seed)
                                       : SmoothWrr(WeightsOf(*table_), previous->round_robin_,
                                                   OriginsOf(*table_, *previous->table_))) {}

ThreadRule::Choice ThreadRule::Choose(const TriedBackends& tried) {
  // Backends found without a free slot; empty in the common case, and then free of charge.
  std::vector<bool> full;
  const auto eligible = [&](size_t index) {
    return table_->backends[index].state->usable.load(std::memory_order_relaxed) &&
           !tried.Has(index) && (full.empty() || !full[index]);
  };
  Choice choice;
  // Each turn ends here or leaves one backend out.
  for (;;) {
    const std::optional<size_t> next = round_robin_.Next(eligible);
    if (!next.has_value()) return choice;
    const BackendTable& backend = table_->backends[*next];
    if (!backend.limited || backend.state->slots.TryTake()) {
      round_robin_.Take(*next, eligible);
      choice.backend = next;
      return choice;
    }
    choice.at_limit = true;
    if (full.empty()) full.resize(table_->backends.size(), false);
    full[*next] = true;
  }
}

}  // namespace lb::dataplane
