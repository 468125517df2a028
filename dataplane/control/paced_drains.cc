#include "dataplane/control/paced_drains.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace lb::dataplane {
namespace {

// More than there can be.
constexpr uint64_t kAll = uint64_t{1} << 40;

uint64_t Milliseconds(Duration duration) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

const RuleTable* FindRule(const Tables& tables, const std::string& name) {
  const auto found = std::lower_bound(
      tables.rules.begin(), tables.rules.end(), name,
      [](const auto& rule, const std::string& wanted) { return rule->name < wanted; });
  return found != tables.rules.end() && (*found)->name == name ? found->get() : nullptr;
}

bool HasBackend(const RuleTable& rule, const std::string& name) {
  const auto found = std::lower_bound(
      rule.backends.begin(), rule.backends.end(), name,
      [](const BackendTable& backend, const std::string& wanted) { return backend.name < wanted; });
  return found != rule.backends.end() && found->name == name;
}

uint64_t CountOpen(const std::vector<std::shared_ptr<BackendState>>& backends, uint64_t drain) {
  uint64_t open = 0;
  for (const auto& backend : backends) {
    if (backend->drain.load() != drain) continue;
    for (const BackendCounters& thread : backend->counters) open += thread.connections.Read();
  }
  return open;
}

}  // namespace

void PacedDrains::Step(const std::shared_ptr<const Tables>& tables, Instant now) {
  if (tables != tables_) {
    Compare(*tables, now);
    tables_ = tables;
  }
  std::erase_if(drains_, [&](Drain& drain) { return Close(drain, now); });
}

void PacedDrains::Compare(const Tables& tables, Instant now) {
  Begun begun;
  for (const auto& rule : tables.rules) TakeIn(*rule, now, begun);
  if (tables_ != nullptr)
    for (const auto& rule : tables_->rules) TakeOut(*rule, tables, now, begun);
  for (auto& [timeout_ms, drain] : begun) {
    LogInfo("connections of backends that are out will be closed",
            {{"backends", absl::StrCat(drain.backends.size())},
             {"connections", absl::StrCat(CountOpen(drain.backends, drain.number))},
             {"drain_timeout_ms", absl::StrCat(timeout_ms)}});
    drains_.push_back(std::move(drain));
  }
}

// What the new tables say of the backends that they have.
void PacedDrains::TakeIn(const RuleTable& rule, Instant now, Begun& begun) {
  for (const BackendTable& backend : rule.backends) {
    if (backend.draining)
      Begin(backend.state, rule.drain_timeout_ms, now, begun);
    else if (backend.state->drain.load() != 0)
      backend.state->drain.store(0);
  }
}

// Of the backends of a rule before, those that the new tables do not have.
void PacedDrains::TakeOut(const RuleTable& rule, const Tables& tables, Instant now, Begun& begun) {
  const RuleTable* kept = FindRule(tables, rule.name);
  if (kept == &rule) return;
  const uint64_t timeout_ms = (kept == nullptr ? rule : *kept).drain_timeout_ms;
  for (const BackendTable& backend : rule.backends)
    if (kept == nullptr || !HasBackend(*kept, backend.name))
      Begin(backend.state, timeout_ms, now, begun);
}

void PacedDrains::Begin(const std::shared_ptr<BackendState>& backend, uint64_t timeout_ms,
                        Instant now, Begun& begun) {
  if (timeout_ms == 0 || backend->drain.load() != 0) return;
  const auto [entry, fresh] = begun.try_emplace(timeout_ms);
  Drain& drain = entry->second;
  if (fresh) {
    const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(timeout_ms));
    drain.number = ++newest_;
    drain.begins = now + timeout / kQuietParts;
    drain.ends = now + timeout;
  }
  drain.backends.push_back(backend);
  backend->drain.store(drain.number);
}

bool PacedDrains::Close(Drain& drain, Instant now) {
  if (now < drain.begins) return false;
  if (drain.walk == nullptr) {
    drain.planned = CountOpen(drain.backends, drain.number);
    StartWalk(drain);
  }
  if (now >= drain.ends) {
    drain.walk->Allow(kAll);
    if (drain.walk->done()) {
      if (drain.last_walk) return true;
      StartWalk(drain);
      drain.last_walk = true;
      drain.walk->Allow(kAll);
    }
  } else {
    const uint64_t due = drain.planned * Milliseconds(now - drain.begins) /
                         std::max<uint64_t>(Milliseconds(drain.ends - drain.begins), 1);
    drain.walk->Allow(due - drain.allowed);
    drain.allowed = due;
  }
  traffic_.Run(drain.walk);
  return false;
}

void PacedDrains::StartWalk(Drain& drain) {
  ConnectionFilter filter;
  filter.drain = drain.number;
  drain.walk =
      std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kKill, std::move(filter), 0, threads_);
}

}  // namespace lb::dataplane
