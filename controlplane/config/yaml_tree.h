// Builds the tree from a parser's events: the part of reading YAML that does not depend on the
// parser. Threading: none.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config/finding_list.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// Calls come in the order of the document. Each returns false, with a finding added, when reading
// must end.
class YamlTreeBuilder final {
 public:
  explicit YamlTreeBuilder(FindingList* findings) : findings_(*findings) {}

  [[nodiscard]] bool Scalar(YamlNode scalar, std::string_view anchor);
  [[nodiscard]] bool Alias(std::string_view anchor, Span span);
  [[nodiscard]] bool Begin(YamlNode::Kind kind, Span span, std::string_view anchor);
  [[nodiscard]] bool End();

  // The finished tree, once; nullopt when there was no value.
  std::optional<YamlNode> TakeRoot() { return std::move(root_); }

  // The path of the value that comes next: "rules[0].listen".
  std::string Path() const;

 private:
  struct Open {
    YamlNode node;
    std::string anchor;
    std::optional<YamlNode> key;  // Of a map whose next value is due.
    std::set<std::string> keys;   // Of a map, those seen.
    size_t size = 1;              // Nodes in it so far.
    size_t height = 1;            // Levels in it so far.
  };
  struct Anchored {
    YamlNode node;
    size_t size = 0;
    size_t height = 0;
  };

  bool Refuse(std::string_view code, Span span, std::string message, std::string hint = "");
  bool Count(size_t nodes, Span span);
  bool Place(Anchored value);
  bool TakeKey(YamlNode key);
  bool KeyIsDue() const;
  bool Keep(std::string_view anchor, const Anchored& value);

  FindingList& findings_;
  std::vector<Open> open_;
  std::map<std::string, Anchored, std::less<>> anchors_;
  std::optional<YamlNode> root_;
  size_t nodes_ = 0;
};

}  // namespace lb::controlplane
