// The settings of a rule, a backend and the rest as names and texts, in the words of lb.yaml, so
// that two of them can be compared. Used by plan.cc only. Pure; threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/config/config.h"

namespace lb::controlplane {

struct Field {
  std::string name;    // "health_check.interval_ms"
  std::string value;   // Empty: not set.
  const char* effect;  // What a change of it does to traffic.
};

// A rate limit, and whether it is a rule's own, which may also say that there is none.
struct RateLimitOwner {
  const std::optional<RateLimitConfig>& limit;
  bool own = false;
};

// What a change of it does to the tokens that clients have.
const char* EffectOfRateLimit(const RateLimitOwner& from, const RateLimitOwner& to);
Field FieldOf(const char* name, const RateLimitOwner& owner, const char* effect);

// Always the same fields in the same order; of a rule all but its rate limit.
std::vector<Field> FieldsOf(const RuleConfig& rule);
std::vector<Field> FieldsOf(const BackendConfig& backend);
std::vector<Field> FieldsOf(const DnsConfig& dns);
std::vector<Field> FieldsOf(const KubernetesConfig& kubernetes);
// Of the top level.
std::vector<Field> FieldsOfBandwidth(const Config& config);
std::vector<Field> FieldsOfAccessLog(const Config& config);

}  // namespace lb::controlplane
