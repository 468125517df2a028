// Checks of a rule's backends against each other: those of its own list and of its routes. Used by
// cross_checks.cc and its parts only. Pure; threading: none.
#pragma once

#include <string>
#include <vector>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// A list of backends in a rule.
struct BackendList {
  const YamlNode* node = nullptr;  // A list.
  std::string field;               // "rules[0].sni[1].backends"
  size_t first = 0;                // Its first backend in RuleConfig::backends.
};

// The lists of the rule that stands at `field`: its own, then those of its routes.
std::vector<BackendList> BackendListsOf(const YamlNode& rule, const std::string& field);

// Names that are taken twice, addresses listed twice, lists that take no connection or are missing.
void CheckBackends(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                   FindingList& findings);

}  // namespace lb::controlplane
