// YAML 1.2 text to a tree, on libfyaml's event parser. Duplicate keys, tags, cyclic aliases, a
// second document and anything beyond the bounds below are refused.
//
// Events are read instead of libfyaml's own documents: those compare every key of a map with every
// other one, and have no bound on aliases.
#pragma once

#include <optional>
#include <string_view>

#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Maps and lists inside each other. Ours need eight; the tree is walked by recursion.
inline constexpr size_t kMaxYamlDepth = 64;
// Values in the tree, those made by aliases and kept for anchors too: 100,000 backends written as
// maps of four keys are half of it.
inline constexpr size_t kMaxYamlNodes = 1'000'000;

// Reads the one document of `source`, whose text is UTF-8. Returns nullopt and adds findings when
// there is no tree to go on with; findings with a tree are duplicate keys.
std::optional<YamlNode> ReadYaml(const SourceText& source, FindingList& findings);

}  // namespace lb::controlplane
