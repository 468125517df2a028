#include "controlplane/snapshot/overrides.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lb::controlplane {

uint32_t EffectiveWeight(const Override& override, uint32_t configured) {
  if (override.admin_state == type::v1::ADMIN_STATE_DRAIN ||
      override.admin_state == type::v1::ADMIN_STATE_MAINT)
    return 0;
  if (override.weight) return *override.weight;
  if (!override.weight_percent) return configured;
  if (*override.weight_percent == 0 || configured == 0) return 0;
  const uint64_t share = uint64_t{configured} * *override.weight_percent / 100;
  return static_cast<uint32_t>(std::clamp<uint64_t>(share, 1, Overrides::kMaxWeight));
}

bool Overrides::Set(const BackendKey& key, Override override) {
  if (override.empty()) {
    overrides_.erase(key);
    gone_since_.erase(key);
    return true;
  }
  if (overrides_.size() >= kMaxOverrides && !overrides_.contains(key)) return false;
  overrides_[key] = std::move(override);
  return true;
}

const Override* Overrides::FindExact(const BackendKey& key) const {
  const auto it = overrides_.find(key);
  return it == overrides_.end() ? nullptr : &it->second;
}

const Override* Overrides::Find(const BackendKey& key) const {
  if (const Override* own = FindExact(key)) return own;
  const size_t at = key.backend.rfind('@');
  if (at == std::string::npos) return nullptr;
  return FindExact({key.rule, key.backend.substr(0, at)});
}

void Overrides::Apply(LiveRules& rules) const {
  if (overrides_.empty()) return;
  for (LiveRule& rule : rules) {
    const auto first = overrides_.lower_bound({rule.name, ""});
    if (first == overrides_.end() || first->first.rule != rule.name) continue;
    for (LiveBackend& backend : rule.backends) {
      const Override* override = Find({rule.name, backend.name});
      backend.weight = override == nullptr ? backend.configured_weight
                                           : EffectiveWeight(*override, backend.configured_weight);
      backend.weight_percent = override != nullptr ? override->weight_percent.value_or(100) : 100;
      backend.admin_state =
          override == nullptr || override->admin_state == type::v1::ADMIN_STATE_UNSPECIFIED
              ? type::v1::ADMIN_STATE_READY
              : override->admin_state;
      if (!backend.ending) continue;
      backend.weight = 0;
      if (backend.admin_state == type::v1::ADMIN_STATE_READY)
        backend.admin_state = type::v1::ADMIN_STATE_DRAIN;
    }
  }
}

bool Overrides::Keep(const LiveRules& rules, Instant now) {
  bool dropped = false;
  for (auto it = overrides_.begin(); it != overrides_.end();) {
    const BackendKey& key = it->first;
    const LiveRule* rule = FindRule(rules, key.rule);
    if (rule != nullptr && Exists(*rule, key.backend)) {
      gone_since_.erase(key);
      ++it;
      continue;
    }
    const Instant since = gone_since_.try_emplace(key, now).first->second;
    if (now < since + kRemembered) {
      ++it;
      continue;
    }
    gone_since_.erase(key);
    it = overrides_.erase(it);
    dropped = true;
  }
  return dropped;
}

Instant Overrides::NextDeadline() const {
  Instant next = Instant::max();
  for (const auto& [key, since] : gone_since_) next = std::min(next, since + kRemembered);
  return next;
}

bool Exists(const LiveRule& rule, const std::string& backend) {
  if (FindBackend(rule, backend) != nullptr) return true;
  const std::string prefix = absl::StrCat(backend, "@");
  const auto address = std::lower_bound(
      rule.backends.begin(), rule.backends.end(), prefix,
      [](const LiveBackend& live, const std::string& wanted) { return live.name < wanted; });
  if (address != rule.backends.end() && absl::StartsWith(address->name, prefix)) return true;
  return std::any_of(rule.unresolved.begin(), rule.unresolved.end(),
                     [&](const UnresolvedBackend& waits) { return waits.name == backend; });
}

}  // namespace lb::controlplane
