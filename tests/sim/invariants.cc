// What must hold after every event, and what must hold in the end.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "controlplane/snapshot/live_rules.h"
#include "tests/sim/simulator.h"

namespace lb::sim {

using controlplane::Expand;
using controlplane::LiveBackend;
using controlplane::LiveRule;
using controlplane::LiveRules;

void Simulator::Check() {
  CheckSlots();
  CheckHealth();
}

// The most that live workers may hold under one limit, whichever grants on their way arrive.
uint64_t Simulator::Potential(const BackendKey& key) {
  std::map<uint64_t, uint64_t> most;
  for (const Machine& machine : machines_) {
    if (machine.worker == nullptr) continue;
    const auto it = machine.worker->slots().find(key);
    if (it != machine.worker->slots().end())
      most[machine.worker->process()] = std::max(it->second.held, it->second.granted);
  }
  for (const auto& [session, stream] : streams_) {
    if (!stream.worker_open || MachineOf(stream.process) == nullptr) continue;
    const auto it = stream.grants_on_the_way.find(key);
    if (it != stream.grants_on_the_way.end() && !it->second.empty())
      most[stream.process] = std::max(most[stream.process], *it->second.rbegin());
  }
  uint64_t sum = 0;
  for (const auto& [process, slots] : most) sum += slots;
  return sum;
}

// With every address a name can have: more than is in force, which only adds limits nobody uses.
void Simulator::NoteLimits() {
  controlplane::Addresses all;
  for (const Endpoint& name : controlplane::NamesInUse(*config_))
    for (int i = 1; i <= 3; ++i)
      for (int rule = 0; rule < 3; ++rule)
        all[name].push_back(Endpoint::FromIp(absl::StrCat("10.", rule, ".1.", i), 80).value());
  limits_.clear();
  for (const LiveRule& rule : Expand(*config_, all)) {
    limits_[{rule.name, ""}] = rule.max_connections;
    for (const LiveBackend& backend : rule.backends)
      limits_[{rule.name, backend.name}] = backend.max_connections;
  }
  for (const auto& [key, limit] : limits_) potential_.try_emplace(key);
}

// The sum of rights never passes the limit; above a limit that was lowered, or where there is none
// any more, it never grows.
void Simulator::CheckSlots() {
  bool within = true;
  for (auto& [key, before] : potential_) {
    const uint64_t now = Potential(key);
    const auto limit = limits_.find(key);
    const uint64_t allowed = limit == limits_.end() ? 0 : limit->second;
    if (now > allowed) within = false;
    if (!relaxed_ && now > std::max(allowed, before))
      Violated(absl::StrCat(key.rule, "/", key.backend, ": ", now, " slots, limit ", allowed,
                            ", before ", before));
    before = now;
  }
  const bool all_known = std::all_of(machines_.begin(), machines_.end(), [&](const Machine& m) {
    return m.worker == nullptr || greeted_.contains(m.worker->process());
  });
  if (within && all_known) relaxed_ = false;
}

// After `fall` failed checks in a row, every stream that knows any health was told.
void Simulator::CheckHealth() {
  if (!config_) return;
  for (const controlplane::RuleConfig& rule : config_->rules) {
    if (!rule.health_check.enabled) continue;
    for (const controlplane::BackendConfig& backend : rule.backends) {
      const auto failed = failed_in_a_row_.find(backend.address);
      if (failed == failed_in_a_row_.end() || failed->second < rule.health_check.fall) continue;
      for (const auto& [session, stream] : streams_) {
        if (!stream.plane_open || !stream.told_complete) continue;
        const auto told = stream.told.find({rule.name, backend.name});
        if (told == stream.told.end() || told->second != type::v1::HEALTH_STATE_UNHEALTHY)
          Violated(absl::StrCat(rule.name, "/", backend.name, " failed ", failed->second,
                                " checks, and stream ", session, " was not told"));
      }
    }
  }
}

uint32_t Simulator::CountNameless() const {
  uint32_t nameless = 0;
  for (const controlplane::RuleConfig& rule : config_->rules)
    for (const controlplane::BackendConfig& backend : rule.backends)
      if (!backend.address.IsResolved() && world_.Resolve(backend.address).empty()) ++nameless;
  return nameless;
}

void Simulator::CheckEnd() {
  if (relaxed_) Violated("the sums never came back to their limits after a lost state");
  const admin::v1::Status status = AskStatus();
  if (!status.file().good()) Violated("the file is not good in the end");
  // A name that has no address, and may have had none ever, counts as down.
  if (status.backends_down() > CountNameless()) Violated("backends are down in the end");
  if (status.workers_synced() != machines_.size() || status.workers_disconnected() != 0)
    Violated(absl::StrCat(status.workers_synced(), " synced and ", status.workers_disconnected(),
                          " disconnected of ", machines_.size(), " workers in the end"));
  for (const Machine& machine : machines_) {
    if (machine.worker == nullptr) return Violated("a worker is not back in the end");
    CheckWorkerAtEnd(*machine.worker, status.running());
  }
  CheckSharesAtEnd();
}

void Simulator::CheckWorkerAtEnd(const FakeWorker& worker, const type::v1::ConfigVersion& version) {
  if (!worker.running() || worker.running()->SerializeAsString() != version.SerializeAsString())
    Violated(absl::StrCat(worker.id(), " does not run the newest version in the end"));
  for (const controlplane::RuleConfig& rule : config_->rules) {
    for (const controlplane::BackendConfig& backend : rule.backends) {
      const auto health = worker.health().find({rule.name, backend.name});
      if (health != worker.health().end() && health->second == type::v1::HEALTH_STATE_UNHEALTHY)
        Violated(absl::StrCat(worker.id(), " takes ", rule.name, "/", backend.name,
                              " for down in the end"));
    }
  }
}

// All workers are saturated: together they hold every limit in full, nearly, and equally, nearly.
void Simulator::CheckSharesAtEnd() {
  for (const controlplane::RuleConfig& rule : config_->rules) {
    if (rule.max_connections) CheckGrantedAtEnd({rule.name, ""}, *rule.max_connections);
    for (const controlplane::BackendConfig& backend : rule.backends)
      if (rule.backend_connection_limit && backend.address.IsResolved())
        CheckGrantedAtEnd({rule.name, backend.name}, *rule.backend_connection_limit);
  }
}

uint64_t Simulator::GrantedOf(const BackendKey& key) const {
  uint64_t granted = 0;
  for (const Machine& machine : machines_) {
    const auto it = machine.worker->slots().find(key);
    if (it != machine.worker->slots().end()) granted += it->second.granted;
  }
  return granted;
}

void Simulator::CheckGrantedAtEnd(const BackendKey& key, uint64_t limit) {
  const Instant end = queue_.now() + kOnItsWay;
  while (result_.violation.empty() && GrantedOf(key) * 10 < limit * 9) {
    if (!queue_.RunOne(end))
      return Violated(absl::StrCat(key.rule, "/", key.backend, ": only ", GrantedOf(key), " of ",
                                   limit, " slots are granted in the end"));
    Check();
  }
}

}  // namespace lb::sim
