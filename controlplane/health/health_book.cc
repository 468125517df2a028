#include "controlplane/health/health_book.h"

#include <algorithm>

#include "base/check.h"

namespace lb::controlplane {
namespace {

// The address that is checked: the backend's own, or its host with the check's port.
Endpoint CheckAddress(const LiveBackend& backend, const HealthCheckConfig& check) {
  if (!check.port || backend.address.kind() != Endpoint::Kind::kIp) return backend.address;
  return Endpoint::FromIp(backend.address.host(), *check.port).value();
}

// Whether a check of `a` would ask what one of `b` asks.
bool SameCheck(const LiveBackend& a, const LiveBackend& b) {
  return a.address == b.address && a.check_host == b.check_host && a.server_name == b.server_name;
}

bool SameTls(const std::shared_ptr<const BackendTlsConfig>& a,
             const std::shared_ptr<const BackendTlsConfig>& b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

std::shared_ptr<const BackendTlsConfig> TlsOf(const LiveRule& rule) {
  if (!rule.health_check.enabled || !rule.health_check.tls) return nullptr;
  return std::make_shared<const BackendTlsConfig>(
      TlsOfChecks(rule.backend_tls, *rule.health_check.tls));
}

// How a backend of the rule is checked: not at all in maintenance.
HealthCheckConfig CheckOf(const LiveRule& rule, const LiveBackend& backend) {
  HealthCheckConfig check = rule.health_check;
  if (backend.admin_state == type::v1::ADMIN_STATE_MAINT) check.enabled = false;
  return check;
}

Duration SpreadOf(const LiveRules& rules) {
  size_t count = 0;
  for (const LiveRule& rule : rules)
    if (rule.health_check.enabled) count += rule.backends.size();
  return std::max<Duration>(HealthBook::kSpread,
                            HealthBook::kSpreadPerCheck * static_cast<int64_t>(count));
}

}  // namespace

bool HealthBook::Remember(const BackendKey& key, const std::optional<Endpoint>& address,
                          State state, Instant now) {
  if (state != type::v1::HEALTH_STATE_HEALTHY && state != type::v1::HEALTH_STATE_UNHEALTHY)
    return false;
  if (!has_rules_) {
    if (remembered_.size() < kMaxRemembered)
      remembered_.try_emplace(key, Remembered{address, state});
    return false;
  }
  const auto it = checked_.find(key);
  if (it == checked_.end()) return false;
  Checked& checked = *it->second;
  const bool has_own = checked.health.state != type::v1::HEALTH_STATE_UNKNOWN;
  if (!checked.check.enabled || has_own) return false;
  SetState(checked, RiseFall(state), now);
  return true;
}

void HealthBook::SetRules(const LiveRules& rules, Instant now, std::vector<BackendKey>& changed) {
  const Duration spread = SpreadOf(rules);
  std::map<BackendKey, std::unique_ptr<Checked>> old = std::move(checked_);
  checked_.clear();
  for (const LiveRule& rule : rules) {
    const std::shared_ptr<const BackendTlsConfig> tls = TlsOf(rule);
    for (const LiveBackend& backend : rule.backends) {
      const BackendKey key{rule.name, backend.name};
      const auto it = old.find(key);
      const bool known = it != old.end() && it->second->backend.address == backend.address;
      const State before = known ? it->second->health.state : type::v1::HEALTH_STATE_UNSPECIFIED;
      if (known) {
        Checked& kept = *checked_.emplace(key, std::move(it->second)).first->second;
        old.erase(it);
        Update(kept, backend, {CheckOf(rule, backend), tls}, now);
      } else {
        Add(key, backend, {CheckOf(rule, backend), tls}, now, spread);
      }
      if (checked_.at(key)->health.state != before) changed.push_back(key);
    }
  }
  for (auto& [key, gone] : old) Remove(*gone);
  has_rules_ = true;
  remembered_.clear();
}

void HealthBook::Run(Instant now, std::vector<Action>& actions) {
  while (!due_.empty() && due_.begin()->first <= now) {
    Checked& checked = *by_order_.at(due_.begin()->second);
    Unschedule(checked);
    LB_CHECK(!checked.in_flight);
    checked.in_flight = next_probe_++;
    checked.started = now;
    checked.outdated = false;
    in_flight_.emplace(*checked.in_flight, &checked);
    actions.push_back(ProbeOf(checked));
  }
}

StartProbe HealthBook::ProbeOf(const Checked& checked) const {
  const HealthCheckConfig& check = checked.check;
  const Endpoint address = CheckAddress(checked.backend, check);
  // Another port is another service, which need not speak it.
  const bool own_port = address == checked.backend.address;
  std::optional<ProbeTls> tls;
  if (checked.tls != nullptr)
    tls = ProbeTls{
        material_, checked.tls,
        check.tls->server_name.empty() ? checked.backend.server_name : check.tls->server_name};
  return {.probe = checked.in_flight.value(),
          .address = address,
          .protocol = check.protocol,
          .path = check.path,
          .host = checked.backend.check_host,
          .expect_status = check.expect_status,
          .timeout = check.timeout,
          .proxy_header = own_port ? check.proxy_header : ProxyVersion::kNone,
          .tls = std::move(tls),
          .grpc_service = check.grpc_service};
}

std::optional<BackendKey> HealthBook::Done(const ProbeDone& result, Instant now) {
  const auto it = in_flight_.find(result.probe);
  if (it == in_flight_.end()) return std::nullopt;
  Checked& checked = *it->second;
  in_flight_.erase(it);
  checked.in_flight.reset();
  if (!checked.check.enabled) return std::nullopt;
  if (checked.outdated) {
    Schedule(checked, now);
    return std::nullopt;
  }
  Schedule(checked, std::max(now, checked.started + Jittered(checked.check.interval)));
  ++checked.health.checks_total;
  if (!result.passed) ++checked.health.failures_total;
  checked.health.detail = result.detail;
  checked.health.took = result.took;
  RiseFall next = checked.rise_fall;
  const bool turned = next.Add(result.passed, checked.check.rise, checked.check.fall);
  checked.health.against = next.against();
  checked.health.against_needed = result.passed ? checked.check.rise : checked.check.fall;
  if (!turned) {
    checked.rise_fall = next;
    return std::nullopt;
  }
  ++(result.passed ? to_healthy_ : to_unhealthy_);
  SetState(checked, next, now);
  return checked.key;
}

HealthBook::State HealthBook::StateOf(const BackendKey& key) const {
  const auto it = checked_.find(key);
  if (it != checked_.end()) return it->second->health.state;
  const auto remembered = remembered_.find(key);
  return remembered != remembered_.end() ? remembered->second.state
                                         : type::v1::HEALTH_STATE_UNKNOWN;
}

std::vector<std::pair<BackendKey, HealthBook::State>> HealthBook::Known() const {
  std::vector<std::pair<BackendKey, State>> out;
  for (const auto& [key, remembered] : remembered_) out.emplace_back(key, remembered.state);
  for (const auto& [key, checked] : checked_)
    if (checked->health.state != type::v1::HEALTH_STATE_UNKNOWN)
      out.emplace_back(key, checked->health.state);
  return out;
}

std::optional<Endpoint> HealthBook::AddressOf(const BackendKey& key) const {
  if (const BackendHealth* health = Find(key)) return health->address;
  const auto remembered = remembered_.find(key);
  return remembered != remembered_.end() ? remembered->second.address : std::nullopt;
}

const BackendHealth* HealthBook::Find(const BackendKey& key) const {
  const auto it = checked_.find(key);
  return it == checked_.end() ? nullptr : &it->second->health;
}

void HealthBook::Add(const BackendKey& key, const LiveBackend& backend, CheckSettings settings,
                     Instant now, Duration spread) {
  auto checked = std::make_unique<Checked>();
  checked->key = key;
  checked->backend = backend;
  checked->check = std::move(settings.check);
  checked->tls = std::move(settings.tls);
  checked->health.address = backend.address;
  checked->health.checked = checked->check.enabled;
  checked->order = next_order_++;
  by_order_.emplace(checked->order, checked.get());
  if (checked->check.enabled) {
    const auto it = remembered_.find(key);
    if (it != remembered_.end() && it->second.address.value_or(backend.address) == backend.address)
      SetState(*checked, RiseFall(it->second.state), now);
    const Duration within = std::min<Duration>(spread, checked->check.interval);
    Schedule(*checked, now + Duration(prng_.Below(static_cast<uint64_t>(within.count()) + 1)));
  }
  checked_.emplace(key, std::move(checked));
}

void HealthBook::Update(Checked& checked, const LiveBackend& backend, CheckSettings settings,
                        Instant now) {
  const bool same = checked.check == settings.check && SameCheck(checked.backend, backend) &&
                    SameTls(checked.tls, settings.tls);
  const bool was_enabled = checked.check.enabled;
  checked.check = std::move(settings.check);
  checked.tls = std::move(settings.tls);
  checked.backend = backend;
  checked.health.checked = checked.check.enabled;
  if (same) return;
  checked.outdated = checked.in_flight.has_value();
  if (!checked.check.enabled) {
    Unschedule(checked);
    if (was_enabled) {
      SetState(checked, RiseFall(), now);
      checked.health.detail.clear();
    }
    return;
  }
  if (checked.in_flight) return;
  const Instant due = now + Jittered(checked.check.interval);
  if (!checked.scheduled || due < checked.due) Schedule(checked, was_enabled ? due : now);
}

void HealthBook::Remove(Checked& checked) {
  Unschedule(checked);
  by_order_.erase(checked.order);
  if (checked.in_flight) in_flight_.erase(*checked.in_flight);
}

void HealthBook::Schedule(Checked& checked, Instant due) {
  Unschedule(checked);
  checked.due = due;
  checked.scheduled = true;
  due_.insert({due, checked.order});
}

void HealthBook::Unschedule(Checked& checked) {
  if (checked.scheduled) due_.erase({checked.due, checked.order});
  checked.scheduled = false;
}

void HealthBook::SetState(Checked& checked, RiseFall rise_fall, Instant now) {
  checked.rise_fall = rise_fall;
  checked.health.state = rise_fall.state();
  checked.health.against = 0;
  checked.health.last_change = now;
}

Duration HealthBook::Jittered(Duration interval) {
  const Duration range = interval * kJitterPercent / 100;
  return interval - range + Duration(prng_.Below(static_cast<uint64_t>(2 * range.count()) + 1));
}

}  // namespace lb::controlplane
