#include "dataplane/snapshot/state_registry.h"

#include <map>
#include <utility>

namespace lb::dataplane {

std::shared_ptr<RuleState> StateRegistry::FindOrMakeRule(const std::string& rule) {
  std::weak_ptr<RuleState>& known = rules_[rule];
  if (std::shared_ptr<RuleState> state = known.lock()) return state;
  auto state = std::make_shared<RuleState>(rule, threads_);
  known = state;
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

bool StateRegistry::SetHealth(const BackendKey& key, Health health) {
  Entry* entry = FindOrMakeEntry(key);
  if (entry == nullptr) return false;
  Tell(*entry, health);
  return true;
}

bool StateRegistry::ReplaceHealth(const std::map<BackendKey, Health>& told) {
  for (auto& [key, entry] : backends_) {
    if (told.find(key) == told.end()) Tell(entry, Health::kUnknown);
  }
  bool all = true;
  for (const auto& [key, health] : told) all = SetHealth(key, health) && all;
  return all;
}

bool StateRegistry::Grant(const BackendKey& key, uint64_t slots) {
  Entry* entry = FindOrMakeEntry(key);
  if (entry == nullptr) return false;
  entry->granted = slots;
  if (const auto state = entry->state.lock()) state->slots.Grant(slots);
  return true;
}

void StateRegistry::Committed(const Tables& tables) {
  std::map<BackendKey, bool> limited;
  for (const auto& rule : tables.rules) {
    for (const BackendTable& backend : rule->backends)
      limited.emplace(BackendKey{rule->name, backend.name}, backend.limited);
  }
  for (auto& [key, entry] : backends_) {
    if (const auto named = limited.find(key); named != limited.end()) {
      entry.passed_over = false;
      entry.limited = named->second;
    } else if (entry.passed_over) {
      Tell(entry, Health::kUnknown);
    } else {
      entry.passed_over = true;
    }
  }
  Prune();
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
  for (const auto& [key, entry] : backends_) {
    if (!entry.limited && entry.granted == 0) continue;
    SlotUse use{.key = key, .granted = entry.granted};
    if (const auto state = entry.state.lock()) {
      use.granted = state->slots.granted();
      use.held = state->slots.held();
      use.wanted = state->slots.TakeWanted();
    }
    if (use.granted != 0 || use.held != 0 || use.wanted != 0) uses.push_back(std::move(use));
  }
  return uses;
}

std::vector<std::shared_ptr<RuleState>> StateRegistry::rules() const {
  std::vector<std::shared_ptr<RuleState>> live;
  for (const auto& [name, known] : rules_) {
    if (auto state = known.lock()) live.push_back(std::move(state));
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

void StateRegistry::Tell(Entry& entry, Health health) {
  entry.health = health;
  entry.passed_over = false;
  if (const auto state = entry.state.lock()) state->usable.store(health != Health::kUnhealthy);
}

void StateRegistry::Prune() {
  std::erase_if(rules_, [](const auto& rule) { return rule.second.expired(); });
  std::erase_if(backends_, [](const auto& backend) {
    const Entry& entry = backend.second;
    return entry.state.expired() && entry.health == Health::kUnknown && entry.granted == 0;
  });
}

}  // namespace lb::dataplane
