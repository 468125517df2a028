// The settings of a rule, a backend and the rest as names and texts, in the words of lb.yaml, so
// that two of them can be compared. Used by plan.cc only. Pure; threading: none.
#pragma once

#include <string>
#include <vector>

#include "controlplane/config/config.h"

namespace lb::controlplane {

struct Field {
  std::string name;    // "health_check.interval_ms"
  std::string value;   // Empty: not set.
  const char* effect;  // What a change of it does to traffic.
};

// Always the same fields in the same order.
std::vector<Field> FieldsOf(const RuleConfig& rule);
std::vector<Field> FieldsOf(const BackendConfig& backend);
std::vector<Field> FieldsOf(const DnsConfig& dns);
std::vector<Field> FieldsOfAccessLog(const Config& config);

}  // namespace lb::controlplane
