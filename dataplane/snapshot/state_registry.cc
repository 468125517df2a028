#include "dataplane/snapshot/state_registry.h"

#include <map>
#include <utility>

namespace lb::dataplane {

std::shared_ptr<RuleState> StateRegistry::FindOrMakeRule(const std::string& rule) {
  RuleEntry& entry = rules_[rule];
  if (std::shared_ptr<RuleState> state = entry.state.lock()) return state;
  auto state = std::make_shared<RuleState>(rule, threads_);
  state->slots.Grant(entry.granted);
  entry.state = state;
  return state;
}

std::shared_ptr<BackendState> StateRegistry::FindOrMakeBackend(const BackendKey& key) {
  // Not through FindOrMakeEntry: what a snapshot names is bounded by the snapshot's own limits.
  Entry& entry = backends_[key];
  if (std::shared_ptr<BackendState> state = entry.state.lock()) return state;
  auto state = std::make_shared<BackendState>(key.rule, key.backend, threads_);
  state->usable.store(entry.health != Health::kUnhealthy);
  state->slots.Grant(entry.granted);
  entry.state = state;
  return state;
}

bool StateRegistry::SetHealth(const BackendKey& key, Health health, Instant now) {
  Entry* entry = FindOrMakeEntry(key);
  if (entry == nullptr) return false;
  Tell(key, *entry, health, now);
  return true;
}

bool StateRegistry::ReplaceHealth(const std::map<BackendKey, Health>& told, Instant now) {
  for (auto& [key, entry] : backends_) {
    if (told.find(key) == told.end()) Tell(key, entry, Health::kUnknown, now);
  }
  bool all = true;
  for (const auto& [key, health] : told) all = SetHealth(key, health, now) && all;
  return all;
}

bool StateRegistry::Grant(const BackendKey& key, uint64_t slots) {
  if (key.backend.empty()) return GrantRule(key.rule, slots);
  Entry* entry = FindOrMakeEntry(key);
  if (entry == nullptr) return false;
  entry->granted = slots;
  if (const auto state = entry->state.lock()) state->slots.Grant(slots);
  CallWaiting(key.rule, false);
  return true;
}

bool StateRegistry::GrantRule(const std::string& rule, uint64_t slots) {
  if (rules_.size() >= kMaxEntries && rules_.find(rule) == rules_.end()) Prune();
  if (rules_.size() >= kMaxEntries && rules_.find(rule) == rules_.end()) return false;
  RuleEntry& entry = rules_[rule];
  entry.granted = slots;
  if (const auto state = entry.state.lock()) state->slots.Grant(slots);
  return true;
}

std::shared_ptr<RuleState> StateRegistry::RuleOf(const std::string& rule) const {
  const auto known = rules_.find(rule);
  return known == rules_.end() ? nullptr : known->second.state.lock();
}

void StateRegistry::CallWaiting(const std::string& rule, bool recovered) {
  if (const auto state = RuleOf(rule)) state->CallWaiting(recovered);
}

void StateRegistry::Committed(const Tables& tables) {
  struct Named {
    bool limited = false;
    std::string route;
  };
  std::map<BackendKey, Named> named_backends;
  for (const auto& rule : tables.rules) {
    for (const BackendTable& backend : rule->backends) {
      backend.state->route.store(rule->RouteOf(backend));
      std::string route = rule->sni == nullptr ? "" : rule->sni->first_names[backend.sni_route];
      named_backends.emplace(BackendKey{rule->name, backend.name},
                             Named{backend.limited, std::move(route)});
    }
  }
  for (auto& [key, entry] : backends_) {
    if (const auto named = named_backends.find(key); named != named_backends.end()) {
      entry.passed_over = false;
      entry.limited = named->second.limited;
      entry.route = std::move(named->second.route);
    } else if (entry.passed_over) {
      // No table names it, so that nothing of it is in use; should one name it again, it is new.
      Tell(key, entry, Health::kUnknown, Instant::min());
    } else {
      entry.passed_over = true;
    }
  }
  CommitRules(tables);
  Prune();
}

void StateRegistry::CommitRules(const Tables& tables) {
  for (const auto& rule : tables.rules) {
    rules_[rule->name].limited = rule->limited;
    rule->state->CallWaiting(false);
  }
}

std::map<BackendKey, Health> StateRegistry::health() const {
  std::map<BackendKey, Health> told;
  for (const auto& [key, entry] : backends_) {
    if (entry.health != Health::kUnknown) told.emplace(key, entry.health);
  }
  return told;
}

std::vector<StateRegistry::SlotUse> StateRegistry::TakeSlotUse() {
  std::vector<SlotUse> uses;
  std::map<std::pair<std::string, std::string>, uint64_t> waiting;  // By rule and route.
  for (const auto& [rule, entry] : rules_) {
    const auto state = entry.state.lock();
    if (state != nullptr) {
      waiting[{rule, ""}] = state->queue.waiting();
      for (const auto& route : state->routes.all())
        waiting[{rule, route->name}] += route->queue.waiting();
    }
    if (!entry.limited && entry.granted == 0) continue;
    uses.push_back(UseOf({rule, ""}, entry.granted, state ? &state->slots : nullptr));
  }
  for (const auto& [key, entry] : backends_) {
    if (!entry.limited && entry.granted == 0) continue;
    const auto state = entry.state.lock();
    SlotUse use = UseOf(key, entry.granted, state ? &state->slots : nullptr);
    // Who waits was refused once, but wants a slot all the time.
    use.wanted += waiting[{key.rule, entry.route}];
    uses.push_back(std::move(use));
  }
  std::erase_if(uses, [](const SlotUse& use) {
    return use.granted == 0 && use.held == 0 && use.wanted == 0;
  });
  return uses;
}

StateRegistry::SlotUse StateRegistry::UseOf(BackendKey key, uint64_t granted, Slots* slots) {
  SlotUse use{.key = std::move(key), .granted = granted};
  if (slots == nullptr) return use;
  use.granted = slots->granted();
  use.held = slots->held();
  use.wanted = slots->TakeWanted();
  return use;
}

std::vector<std::shared_ptr<RuleState>> StateRegistry::rules() const {
  std::vector<std::shared_ptr<RuleState>> live;
  for (const auto& [name, entry] : rules_) {
    if (auto state = entry.state.lock()) live.push_back(std::move(state));
  }
  return live;
}

std::vector<std::shared_ptr<BackendState>> StateRegistry::backends() const {
  std::vector<std::shared_ptr<BackendState>> live;
  for (const auto& [key, entry] : backends_) {
    if (auto state = entry.state.lock()) live.push_back(std::move(state));
  }
  return live;
}

StateRegistry::Entry* StateRegistry::FindOrMakeEntry(const BackendKey& key) {
  if (const auto known = backends_.find(key); known != backends_.end()) return &known->second;
  if (backends_.size() >= kMaxEntries) Prune();
  if (backends_.size() >= kMaxEntries) return nullptr;
  return &backends_[key];
}

void StateRegistry::Tell(const BackendKey& key, Entry& entry, Health health, Instant now) {
  const bool usable = health != Health::kUnhealthy;
  const bool turned = (entry.health != Health::kUnhealthy) != usable;
  entry.health = health;
  entry.passed_over = false;
  if (!turned && !usable) return;
  if (const auto state = entry.state.lock(); state != nullptr && turned) {
    if (usable) state->usable_since.store(now);
    state->usable.store(usable);
    if (const auto rule = RuleOf(key.rule)) rule->health_version.fetch_add(1);
  }
  // One that is lost counts too: it may be the one with which panic begins.
  CallWaiting(key.rule, turned && usable);
}

void StateRegistry::Prune() {
  std::erase_if(rules_, [](const auto& rule) {
    return rule.second.state.expired() && rule.second.granted == 0;
  });
  std::erase_if(backends_, [](const auto& backend) {
    const Entry& entry = backend.second;
    return entry.state.expired() && entry.health == Health::kUnknown && entry.granted == 0;
  });
}

}  // namespace lb::dataplane
