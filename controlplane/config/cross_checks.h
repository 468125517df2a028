// Checks between several values: names and listeners taken twice, and what is allowed but hardly
// meant. Threading: none.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds errors and warnings about `config`, which BuildConfig made of `root`: item i of a list of
// one is item i of the other. Values that are not valid are left out, they have their findings.
// O(n log n) in rules and backends.
void CheckAcross(const YamlNode& root, const Config& config, FindingList& findings);

}  // namespace lb::controlplane
