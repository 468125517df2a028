#include "controlplane/config/place.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "controlplane/config/finding_list.h"
#include "controlplane/config/source_text.h"
#include "controlplane/config/yaml_node.h"
#include "controlplane/config/yaml_reader.h"

namespace lb::controlplane {
namespace {

// The member of a list of maps whose "name" is this, or of a list of scalars that say it.
const YamlNode* Named(const YamlNode& list, const std::string& name) {
  for (const YamlNode& item : list.children) {
    const YamlNode* said = item.kind == YamlNode::Kind::kMap ? item.Find("name") : &item;
    if (said == nullptr) said = item.Find("address");
    if (said != nullptr && said->text == name) return &item;
  }
  return nullptr;
}

// "max_connections" of a backend may come from its rule's "backend_connection_limit".
const YamlNode* Step(const YamlNode& node, const std::string& part) {
  if (node.kind == YamlNode::Kind::kMap) return node.Find(part);
  return node.kind == YamlNode::Kind::kList ? Named(node, part) : nullptr;
}

// The part of a map or list with that name. An address of a DNS name is called NAME@ADDRESS in the
// snapshot.
const YamlNode* Follow(const YamlNode& node, const std::string& part) {
  const YamlNode* next = Step(node, part);
  return next != nullptr ? next : Step(node, part.substr(0, part.find('@')));
}

// The list of a rule, its own or that of a route, in which there is a backend of that name.
const YamlNode* ListOf(const YamlNode& rule, const std::string& backend) {
  std::vector<const YamlNode*> lists = {rule.Find("backends")};
  if (const YamlNode* routes = rule.Find("sni"))
    for (const YamlNode& route : routes->children) lists.push_back(route.Find("backends"));
  for (const YamlNode* list : lists)
    if (list != nullptr && Follow(*list, backend) != nullptr) return list;
  return nullptr;
}

}  // namespace

std::optional<FilePlace> PlaceOf(std::string_view text, std::string_view path) {
  const SourceText source(text);
  FindingList findings;
  const std::optional<YamlNode> root = ReadYaml(source, findings);
  if (!root) return std::nullopt;
  const YamlNode* node = &*root;
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(path.data(), path.size()), '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    const YamlNode* next = nullptr;
    if (parts[i] == "backends" && i + 1 < parts.size()) next = ListOf(*node, parts[i + 1]);
    if (next == nullptr) next = Follow(*node, parts[i]);
    if (next == nullptr) break;
    node = next;
  }
  if (node == &*root) return std::nullopt;
  const SourceText::Place place = source.PlaceOf(node->Place());
  return FilePlace{place.line, place.column};
}

}  // namespace lb::controlplane
