// Whether TLS fits what else a rule says: its routes, backends, checks and limits. Used by
// tls_checks.cc only. Pure; threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds findings about `rule`, which was built from the map `node` at `field`.
void CheckTlsOfRule(const YamlNode& root, const YamlNode& node, const RuleConfig& rule,
                    const std::string& field, FindingList& findings);

// Adds findings about what the top level says and no rule can do.
void CheckTlsOfAllRules(const YamlNode& root, const Config& config, FindingList& findings);

}  // namespace lb::controlplane
