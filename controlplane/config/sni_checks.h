// Whether a rule's routes by SNI fit together, and what else the rule says of TLS. Used by
// tls_rule_checks.cc only. Pure; threading: none.
#pragma once

#include <string>

#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds findings about the routes of the rule `node` at `field`: names that nobody can have or two
// have, and TLS that is ended or wrapped where it should pass through.
void CheckSniRoutes(const YamlNode& root, const YamlNode& node, const std::string& field,
                    FindingList& findings);

}  // namespace lb::controlplane
