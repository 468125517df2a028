// Doubts about how many connections a rule can carry: a queue where nobody ever waits, addresses
// that nothing is ever sent from. Threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds warnings about `rule`, which was built from the map `node` and is called `field` in
// findings.
void CheckCapacity(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                   FindingList& findings);

}  // namespace lb::controlplane
