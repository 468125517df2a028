// What stands between the keys that are about a rule's clients: access lists and PROXY headers. A
// part of cross_checks.cc. Threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// `node` is the map that `rule` was made of, `field` its path.
void CheckClients(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                  FindingList& findings);

}  // namespace lb::controlplane
