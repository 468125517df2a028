#include "dataplane/forward/listener_set.h"

#include <algorithm>
#include <utility>

#include "dataplane/forward/listen_plan.h"
#include "dataplane/snapshot/sni_table.h"

namespace lb::dataplane {
namespace {

// True when connections of the rule keep to the same buckets under both tables.
bool SameBandwidths(const RuleTable& a, const RuleTable& b) {
  const auto same = [](const BackendTable& x, const BackendTable& y) {
    return x.name == y.name && x.bandwidth == y.bandwidth;
  };
  const auto unlimited = [](const BackendTable& backend) { return backend.bandwidth == nullptr; };
  if (a.client_bandwidth != b.client_bandwidth) return false;
  if (std::all_of(a.backends.begin(), a.backends.end(), unlimited) &&
      std::all_of(b.backends.begin(), b.backends.end(), unlimited))
    return true;
  return std::equal(a.backends.begin(), a.backends.end(), b.backends.begin(), b.backends.end(),
                    same);
}

// Those who wait for a route that `now` does not have, or under other names, look where they
// belong: who frees a slot from now on calls the line of the newest route only.
void CallWhoMayMove(const RuleTable& before, const RuleTable& now) {
  if (before.sni == nullptr || SameNames(before.sni.get(), now.sni.get())) return;
  for (const auto& route : before.sni->routes) route->line().queue.CallAll();
}

}  // namespace

void ListenerSet::Apply(Update update) {
  Rules rules;
  decltype(listeners_) listeners;
  bool resumed = true;
  for (const auto& table : update.tables->rules) {
    RuleLease rule = Renew(table);
    const RuleTable* const before = Find(table->name);
    if (before != nullptr && !SameBandwidths(*before, *table)) ++context_.bandwidth_generation;
    if (before != nullptr) CallWhoMayMove(*before, *table);
    rules.emplace(table->name, rule);
    const ListenKey key = ListenKeyOf(*table);
    for (const SharedFd& fd : update.sockets[key])
      resumed = Keep(key, fd, rule, listeners[key]) && resumed;
  }
  for (auto& [key, gone] : listeners_) {
    if (update.leave_queues) break;
    for (auto& listener : gone) listener->AcceptWaiting(context_, errors_);
  }
  listeners_ = std::move(listeners);
  rules_ = std::move(rules);
  if (!resumed) PauseAll();
}

bool ListenerSet::Keep(const ListenKey& key, const SharedFd& fd, const RuleLease& rule,
                       std::vector<std::unique_ptr<Listener>>& kept) {
  auto& there = listeners_[key];
  const auto old =
      std::find_if(there.begin(), there.end(), [&](const auto& one) { return one->fd() == fd; });
  if (old != there.end()) {
    (*old)->SetRule(rule);
    kept.push_back(std::move(*old));
    there.erase(old);
    return true;
  }
  kept.push_back(std::make_unique<Listener>(fd, rule));
  const int error = armed() ? 0 : kept.back()->Resume(context_.epoll_fd);
  if (error != 0) errors_.Add(error);
  return error == 0;
}

const RuleTable* ListenerSet::Find(const std::string& name) const {
  const auto known = rules_.find(name);
  return known == rules_.end() ? nullptr : &known->second->table();
}

RuleLease ListenerSet::LeaseOf(const std::shared_ptr<const RuleTable>& table) const {
  const auto known = rules_.find(table->name);
  return known != rules_.end() ? known->second : Renew(table);
}

RuleLease ListenerSet::Renew(const std::shared_ptr<const RuleTable>& table) const {
  const auto old = rules_.find(table->name);
  if (old == rules_.end())
    return RuleLease(std::make_unique<ThreadRule>(table, context_.thread, seed_, nullptr));
  if (old->second->shared_table() == table) return old->second;
  return RuleLease(std::make_unique<ThreadRule>(table, context_.thread, seed_, old->second.get()));
}

void ListenerSet::OnReadable(Listener& listener) {
  if (armed()) return;  // Told before the pause began.
  if (listener.AcceptBatch(context_, errors_) == Listener::Accepted::kPause) PauseAll();
}

void ListenerSet::PauseAll() {
  for (auto& [key, listeners] : listeners_)
    for (auto& listener : listeners) listener->Pause(context_.epoll_fd);
  context_.timers.Arm(*this, context_.now + kPause);
}

void ListenerSet::OnTimer() {
  for (auto& [key, listeners] : listeners_) {
    for (auto& listener : listeners) {
      const int error = listener->Resume(context_.epoll_fd);
      if (error == 0) continue;
      errors_.Add(error);
      return PauseAll();
    }
  }
}

void ListenerSet::Clear() {
  listeners_.clear();
  rules_.clear();
}

}  // namespace lb::dataplane
