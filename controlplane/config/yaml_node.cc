#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

bool YamlNode::IsNull() const {
  if (kind != Kind::kScalar || !plain || expanded) return false;
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

const YamlNode* YamlNode::Find(std::string_view name) const {
  for (const YamlNode& child : children) {
    if (child.key == name) return &child;
  }
  return nullptr;
}

Span YamlNode::Place() const {
  const bool has_key = key_span.end > key_span.begin;
  return has_key && (kind != Kind::kScalar || IsNull()) ? key_span : span;
}

bool IsExtensionKey(std::string_view key) {
  return key.substr(0, kExtensionPrefix.size()) == kExtensionPrefix;
}

}  // namespace lb::controlplane
