// Limits with scope cluster: whether there is a cluster, and enough for each host. Threading: none.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// A limit of so few slots for each worker of each host is small: slots move between hosts about
// once a second. Of hosts whose number the configuration does not tell, all together.
inline constexpr uint64_t kSlotsOfWorker = 4;
inline constexpr uint64_t kSlotsOfCluster = 16;

// Warns of a scope that means nothing without a section `cluster`, and of a backend's limit that is
// small for the number of hosts where no queue lets a connection wait for a slot.
void CheckScopes(const YamlNode& root, const Config& config, FindingList& findings);

}  // namespace lb::controlplane
