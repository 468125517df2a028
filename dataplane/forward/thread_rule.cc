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
  const auto usable = [&](size_t index) {
    return table_->backends[index].state->usable.load(std::memory_order_relaxed) &&
           !tried.Has(index);
  };
  // Whether a slot is free is only asked once one was missing: looking at the slots of all backends
  // would cost every connection the cache lines that other threads write.
  Choice choice;
  const auto eligible = [&](size_t index) {
    return usable(index) && (!choice.at_limit || !IsFull(index));
  };
  // Again only after another thread was faster to the last slot of a backend.
  for (;;) {
    const std::optional<size_t> next = round_robin_.Next(eligible);
    if (!next.has_value()) break;
    const BackendTable& backend = table_->backends[*next];
    const bool taken = !backend.limited || backend.state->slots.TryTake();
    if (taken) {
      if (!backend.limited) backend.state->slots.Take();
      round_robin_.Take(*next, eligible);
      choice.backend = next;
      return choice;
    }
    choice.at_limit = true;
  }
  // Each of them was refused this connection, whoever's turn it was.
  for (size_t i = 0; choice.at_limit && i < table_->backends.size(); ++i) {
    const BackendTable& backend = table_->backends[i];
    if (backend.weight > 0 && usable(i)) backend.state->slots.NoteRefused();
  }
  return choice;
}

bool ThreadRule::CanChoose(const TriedBackends& tried) const {
  for (size_t i = 0; i < table_->backends.size(); ++i) {
    const BackendTable& backend = table_->backends[i];
    if (backend.weight > 0 && backend.state->usable.load() && !tried.Has(i) && !IsFull(i))
      return true;
  }
  return false;
}

Dialed ThreadRule::DialBackend(size_t index) {
  Dialed dialed = DialFromSources(table_->backends[index].address, table_->sources, source_turn_++);
  backend_counters(index).ports_exhausted.Add(dialed.ports_exhausted);
  return dialed;
}

bool ThreadRule::IsFull(size_t index) const {
  const BackendTable& backend = table_->backends[index];
  return backend.limited && !backend.state->slots.HasFree();
}

}  // namespace lb::dataplane
