// Doubts about limits: numbers that several workers cannot keep well. Threading: none.
#pragma once

#include <string>

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds warnings about `limit`, which was built from the map `section`, called `field` in findings.
void CheckRatePrecision(const YamlNode& section, const RateLimitConfig& limit,
                        const std::string& field, FindingList& findings);

}  // namespace lb::controlplane
