#include "dataplane/forward/thread_rule.h"

#include <algorithm>
#include <memory>
#include <string>

#include "dataplane/balance/least_loaded.h"

namespace lb::dataplane {
namespace {

// The thread's rule of the route of that first name, or an empty lease.
RuleLease FindRoute(const ThreadRule* rule, const std::string& name) {
  if (rule == nullptr || rule->table().sni == nullptr) return {};
  const std::vector<std::string>& names = rule->table().sni->first_names;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? RuleLease()
                              : rule->Route(static_cast<uint32_t>(found - names.begin()));
}

}  // namespace

ThreadRule::ThreadRule(std::shared_ptr<const RuleTable> table, size_t thread, uint64_t seed,
                       const ThreadRule* previous)
    : table_(std::move(table)),
      thread_(thread),
      balance_(*table_, thread, seed, previous == nullptr ? nullptr : &previous->balance_) {
  if (table_->sni == nullptr) return;
  for (const auto& route : table_->sni->routes) {
    RuleLease before = FindRoute(previous, route->route->name);
    const bool same = before.get() != nullptr && before->shared_table() == route;
    routes_.push_back(
        same ? std::move(before)
             : RuleLease(std::make_unique<ThreadRule>(route, thread, seed, before.get())));
  }
}

ThreadRule::~ThreadRule() = default;

RuleLease ThreadRule::Route(uint32_t number) const { return routes_[number]; }

ThreadRule::Choice ThreadRule::Choose(const TriedBackends& tried, uint64_t client_hash,
                                      Instant now) {
  balance_.Refresh(now);
  // The first attempt finds a free backend at once nearly always.
  if (tried.count() == 0) {
    const std::optional<size_t> next = balance_.Next(client_hash, AllInUse());
    if (next.has_value() && TakeSlot(*next)) {
      balance_.Take(*next, AllInUse());
      return {.backend = next};
    }
    return next.has_value() ? ChooseOther(tried, client_hash, Choice{std::nullopt, true})
                            : Choice();
  }
  return ChooseOther(tried, client_hash, Choice());
}

ThreadRule::Choice ThreadRule::ChooseOther(const TriedBackends& tried, uint64_t client_hash,
                                           Choice choice) {
  const auto left = [&](size_t index) { return !tried.Has(index); };
  // Whether a slot is free is only asked once one was missing: looking at the slots of all backends
  // would cost every connection the cache lines that other threads write.
  const auto eligible = [&](size_t index) {
    return left(index) && (!choice.at_limit || !IsFull(index));
  };
  // Again only after another thread was faster to the last slot of a backend.
  for (;;) {
    const std::optional<size_t> next = balance_.Next(client_hash, eligible);
    if (!next.has_value()) break;
    if (TakeSlot(*next)) {
      balance_.Take(*next, eligible);
      choice.backend = next;
      return choice;
    }
    choice.at_limit = true;
  }
  if (!choice.at_limit) return ChooseBackup(tried);
  // Each of them was refused this connection, whoever's turn it was.
  for (size_t i = 0; i < table_->backends.size(); ++i) {
    if (balance_.InUse(i) && left(i)) table_->backends[i].state->slots.NoteRefused();
  }
  return choice;
}

// When every backend in use was tried in vain. One that is full is no reason: it will be free.
ThreadRule::Choice ThreadRule::ChooseBackup(const TriedBackends& tried) {
  Choice choice;
  if (!balance_.backups_wait()) return choice;
  for (size_t i = 0; i < table_->backends.size(); ++i) {
    if (!balance_.StandsBy(i) || tried.Has(i)) continue;
    if (TakeSlot(i)) {
      choice.backend = i;
      return choice;
    }
    choice.at_limit = true;
  }
  return choice;
}

bool ThreadRule::CanChoose(const TriedBackends& tried, Instant now) {
  balance_.Refresh(now);
  bool any_in_use = false;
  bool free_backup = false;
  for (size_t i = 0; i < table_->backends.size(); ++i) {
    if (tried.Has(i)) continue;
    if (balance_.InUse(i)) {
      if (!IsFull(i)) return true;
      any_in_use = true;
    }
    free_backup = free_backup || (balance_.StandsBy(i) && !IsFull(i));
  }
  return !any_in_use && free_backup;
}

bool ThreadRule::TakeSlot(size_t index) {
  const BackendTable& backend = table_->backends[index];
  if (backend.limited) return backend.state->slots.TryTake();
  backend.state->slots.Take();
  return true;
}

void ThreadRule::NoteOpened(size_t index) {
  BackendCounters& counters = backend_counters(index);
  counters.connects_total.Add(1);
  counters.connections.Add(1);
  if (table_->route != nullptr) table_->route->counters[thread_].connections.Add(1);
  if (counters.watcher != nullptr)
    counters.watcher->SetLoad(counters.watched_as, counters.connections.Read());
}

void ThreadRule::NoteClosed(size_t index) {
  BackendCounters& counters = backend_counters(index);
  counters.connections.Subtract(1);
  if (table_->route != nullptr) table_->route->counters[thread_].connections.Subtract(1);
  if (counters.watcher != nullptr)
    counters.watcher->SetLoad(counters.watched_as, counters.connections.Read());
}

void ThreadRule::CallWaiting(size_t index) {
  // Whose clients it is for now stand in another line, which this table does not know.
  if (table_->HasMoved(backend(index))) return table_->state->CallWaiting(false);
  table_->line().queue.CallNext();
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
