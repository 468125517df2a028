// Whether what lb.yaml says of TLS fits together: within its sections, and between them. What is in
// the files is not looked at. Threading: none.
#pragma once

#include "controlplane/config/config.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Adds a finding for each contradiction and doubt about TLS in `config`, which was built from
// `root`.
void CheckTls(const YamlNode& root, const Config& config, FindingList& findings);

}  // namespace lb::controlplane
