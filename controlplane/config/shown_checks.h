// Whether each certificate of a rule can be shown to any client. Pure; threading: none.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

// Adds a warning for each certificate of `config`, which BuildConfig made of `root`, that workers
// have no use for: it is not the first, and each of its names is one of a certificate above it
// whose key is of the same type. Certificates that are not in `material` count for nothing.
void CheckShown(const YamlNode& root, const Config& config, const TlsMaterial& material,
                FindingList& findings);

}  // namespace lb::controlplane
