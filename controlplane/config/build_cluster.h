// The cluster section of a checked tree to its typed values, and what is wrong or doubtful in it.
// Threading: none.
#pragma once

#include <optional>

#include "controlplane/config/cluster_config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/load.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Reads the section of `root`, which CheckKeys looked through, and the file of keys that it names;
// nullopt where it is absent or off. With an error among the findings the result is good only for
// looking for more of them. No finding shows a key.
std::optional<ClusterConfig> BuildCluster(const YamlNode& root, const Sources& sources,
                                          FindingList& findings);

}  // namespace lb::controlplane
