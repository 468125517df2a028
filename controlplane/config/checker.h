// Holds a tree against the table of keys: unknown and missing keys, types, units, ranges, keys that
// are not built yet, files that are not there. What stands between several values is checked in
// cross_checks.h. Threading: none.
#pragma once

#include "controlplane/config/finding_list.h"
#include "controlplane/config/load.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds a finding for everything wrong below `root` and marks the good values (YamlNode::valid).
void CheckKeys(YamlNode& root, const Sources& sources, FindingList& findings);

// Whether a section that is there is switched on.
bool SectionIsOn(const YamlNode& section);

}  // namespace lb::controlplane
