// Problems of the files of TLS as findings: each at the keys that name the file. Threading: none.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"
#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// Adds a finding for each of `problems`, which is what LoadMaterial says of `config`, which
// BuildConfig made of `root`.
void ReportMaterial(const YamlNode& root, const Config& config, const MaterialProblems& problems,
                    FindingList& findings);

}  // namespace lb::controlplane
