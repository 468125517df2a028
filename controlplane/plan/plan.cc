#include "controlplane/plan/plan.h"

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/plan/cluster_fields.h"
#include "controlplane/plan/fields.h"

namespace lb::controlplane {
namespace {

using admin::v1::Change;

template <typename Item>
std::map<std::string, const Item*> ByName(const std::vector<Item>& items) {
  std::map<std::string, const Item*> sorted;
  for (const Item& item : items) sorted.emplace(item.name, &item);
  return sorted;
}

// What becomes of the open connections of a backend that is out, in so much time; 0: nothing.
std::string WhatOpenOnesDo(uint64_t open, std::chrono::milliseconds drain_timeout) {
  if (drain_timeout.count() == 0) return absl::StrCat(open, " open go on until they end");
  return absl::StrCat(open, " open are closed within ", drain_timeout.count(), "ms, paced");
}

class Planner final {
 public:
  explicit Planner(const Totals& totals) : totals_(totals) {}

  Plan Make(const Config& from, const Config& to) {
    const auto old_rules = ByName(from.rules);
    const auto new_rules = ByName(to.rules);
    for (const auto& [name, rule] : old_rules) {
      plan_.connections += totals_.OfRule(name).connections;
      const auto kept = new_rules.find(name);
      if (kept == new_rules.end())
        RemoveRule(*rule);
      else
        CompareRules(*rule, *kept->second);
    }
    for (const auto& [name, rule] : new_rules)
      if (!old_rules.contains(name)) AddRule(*rule);
    CompareRateLimits("rate_limit", "limit", {from.rate_limit}, {to.rate_limit},
                      OpenWithout(&RuleConfig::own_rate_limit, from));
    Compare("bandwidth_limit", FieldsOfBandwidth(from), FieldsOfBandwidth(to),
            OpenWithout(&RuleConfig::own_bandwidth_limit, from));
    Compare("dns", FieldsOf(from.dns), FieldsOf(to.dns), 0);
    Compare("kubernetes", FieldsOf(from.kubernetes), FieldsOf(to.kubernetes), 0);
    Compare("access_log", FieldsOfAccessLog(from), FieldsOfAccessLog(to), 0);
    CompareClusters(from.cluster, to.cluster);
    return std::move(plan_);
  }

 private:
  Change* Add(Change::Action action, std::string resource, std::string effect) {
    if (++plan_.changes_total > Plan::kMaxChanges) return nullptr;
    Change& change = plan_.changes.emplace_back();
    change.set_action(action);
    change.set_resource(std::move(resource));
    change.set_effect(std::move(effect));
    return &change;
  }

  void AddRule(const RuleConfig& rule) {
    Change* change =
        Add(Change::ACTION_CREATE, absl::StrCat("rules/", rule.name),
            absl::StrCat("listens at ", rule.listen.ToString(), ", ", rule.backends.size(),
                         rule.backends.size() == 1 ? " backend" : " backends"));
    if (change != nullptr) change->set_new_value(rule.listen.ToString());
  }

  void RemoveRule(const RuleConfig& rule) {
    const uint64_t open = totals_.OfRule(rule.name).connections;
    Change* change =
        Add(Change::ACTION_DELETE, absl::StrCat("rules/", rule.name),
            absl::StrCat("takes no new connections; ", WhatOpenOnesDo(open, rule.drain_timeout)));
    if (change == nullptr) return;
    change->set_old_value(rule.listen.ToString());
    change->set_connections_affected(open);
  }

  void CompareRules(const RuleConfig& from, const RuleConfig& to) {
    if (from == to) {
      ++plan_.rules_unchanged;
      return;
    }
    const std::string resource = absl::StrCat("rules/", from.name);
    const uint64_t open_in_rule = totals_.OfRule(from.name).connections;
    Compare(resource, FieldsOf(from), FieldsOf(to), open_in_rule);
    CompareRateLimits(resource, "rate_limit", {from.rate_limit, from.own_rate_limit},
                      {to.rate_limit, to.own_rate_limit}, open_in_rule);
    const auto old_backends = ByName(from.backends);
    const auto new_backends = ByName(to.backends);
    for (const auto& [name, backend] : old_backends) {
      const std::string path = absl::StrCat(resource, "/backends/", name);
      const uint64_t open = totals_.OfBackend({from.name, name}).connections;
      const auto kept = new_backends.find(name);
      if (kept != new_backends.end())
        Compare(path, FieldsOf(*backend), FieldsOf(*kept->second), open);
      else
        RemoveBackend(path, *backend, open, to.drain_timeout);
    }
    for (const auto& [name, backend] : new_backends)
      if (!old_backends.contains(name)) AddBackend(resource, *backend);
  }

  void AddBackend(const std::string& rule, const BackendConfig& backend) {
    Change* change =
        Add(Change::ACTION_CREATE, absl::StrCat(rule, "/backends/", backend.name),
            absl::StrCat(backend.Place(), " takes new connections, weight ", backend.weight));
    if (change != nullptr) change->set_new_value(backend.Place());
  }

  void RemoveBackend(const std::string& path, const BackendConfig& backend, uint64_t open,
                     std::chrono::milliseconds drain_timeout) {
    Change* change =
        Add(Change::ACTION_DELETE, path,
            absl::StrCat("drains: no new connections; ", WhatOpenOnesDo(open, drain_timeout)));
    if (change == nullptr) return;
    change->set_old_value(backend.Place());
    change->set_connections_affected(open);
  }

  // Connections of the rules that a limit of the top level holds for.
  uint64_t OpenWithout(bool RuleConfig::*own, const Config& config) const {
    uint64_t open = 0;
    for (const RuleConfig& rule : config.rules)
      if (!(rule.*own)) open += totals_.OfRule(rule.name).connections;
    return open;
  }

  void CompareRateLimits(const std::string& resource, const char* name, const RateLimitOwner& from,
                         const RateLimitOwner& to, uint64_t open) {
    const char* effect = EffectOfRateLimit(from, to);
    Compare(resource, {FieldOf(name, from, effect)}, {FieldOf(name, to, effect)}, open);
  }

  void CompareClusters(const std::optional<ClusterConfig>& from,
                       const std::optional<ClusterConfig>& to) {
    if (from && to) {
      const bool other_keys = from->keys != to->keys;
      return Compare("cluster", FieldsOf(*from, false), FieldsOf(*to, other_keys), 0);
    }
    if (!from && !to) return;
    Change* change = to ? Add(Change::ACTION_CREATE, "cluster", kJoins)
                        : Add(Change::ACTION_DELETE, "cluster", kLeaves);
    if (change == nullptr) return;
    if (to) change->set_new_value(to->bind_addr.ToString());
    if (from) change->set_old_value(from->bind_addr.ToString());
  }

  void Compare(const std::string& resource, const std::vector<Field>& from,
               const std::vector<Field>& to, uint64_t open) {
    LB_CHECK(from.size() == to.size());
    for (size_t i = 0; i < from.size(); ++i) {
      if (from[i].value == to[i].value) continue;
      Change* change = Add(Change::ACTION_UPDATE, resource, from[i].effect);
      if (change == nullptr) continue;
      change->set_field(from[i].name);
      change->set_old_value(from[i].value);
      change->set_new_value(to[i].value);
      change->set_connections_staying(open);
    }
  }

  const Totals& totals_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const Config& from, const Config& to, const Totals& totals) {
  return Planner(totals).Make(from, to);
}

}  // namespace lb::controlplane
