// What stands between the keys that limit rates and bandwidth, and those that leave backends out. A
// part of cross_checks.cc. Threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// The limits of the top level, `root`, of which `config` was made.
void CheckTopLimits(const YamlNode& root, const Config& config, FindingList& findings);

// The limits of a rule. `node` is the map that `rule` was made of, `field` its path.
void CheckRuleLimits(const YamlNode& root, const YamlNode& node, const RuleConfig& rule,
                     const std::string& field, FindingList& findings);

}  // namespace lb::controlplane
