// ${VAR}, ${VAR:-default}, ${VAR:?message} and ${file:/path} in scalar values, after parsing: a
// value can never add YAML. "$${" stands for "${" itself. Keys are left alone, and what a variable
// gives is not expanded again. Threading: none.
#pragma once

#include "controlplane/config/finding_list.h"
#include "controlplane/config/load.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Most that all variables of a file may give together.
inline constexpr size_t kMaxExpandedBytes = kMaxConfigBytes;

// Expands every scalar below `root`, except under x- keys, and marks those that changed.
void ExpandVariables(YamlNode& root, const Sources& sources, FindingList& findings);

}  // namespace lb::controlplane
