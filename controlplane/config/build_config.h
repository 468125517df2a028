// A checked tree to the typed configuration, defaults filled in. Threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Reads `root`, a map in which CheckKeys found what it found: values that are not valid, or not
// there, are left at their defaults. With an error among the findings the result is good only for
// looking for more of them.
Config BuildConfig(const YamlNode& root);

// What a health_check section says by itself; nullptr is an absent one.
HealthCheckConfig BuildHealthCheck(const YamlNode* section);

// Where a rule stands: "rules[0]".
std::string RuleField(size_t index);

}  // namespace lb::controlplane
