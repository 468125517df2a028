// A section that may stand at the top level and inside a rule, as the rule goes by it: its own
// keys, then those of the top level. Refers to the tree; threading: none.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

class SectionView final {
 public:
  // Of the section `name` at the top level.
  SectionView(const YamlNode& root, std::string_view name);
  // Of a rule; `field` is where it stands, "rules[0]".
  SectionView(const YamlNode& root, std::string_view name, const YamlNode& rule, std::string field);

  // Whether it is switched on: by the rule itself where that has the section.
  bool on() const;

  // Whether the section is there at all, and whether the rule has one of its own.
  bool present() const { return own_ != nullptr || top_ != nullptr; }
  bool own() const { return own_ != nullptr; }

  // The good value of a key, of the rule before the top level's; nullptr when there is none.
  const YamlNode* Value(std::string_view key) const;
  // The list or map that stands at a key, likewise.
  const YamlNode* Find(std::string_view key) const;
  // Whether anybody, or the section itself, says the key, well or badly.
  bool Says(std::string_view key) const;
  bool SaysItself(std::string_view key) const;

  // Text and number of a value, or what it is when nobody says it.
  std::string Text(std::string_view key) const;
  bool IsTrue(std::string_view key) const;

  // A section within this one, likewise key by key.
  SectionView Within(std::string_view key) const;

  // Where the section itself is, for a finding about what it lacks: "rules[0].tls". Where the rule
  // has none, the top level's.
  std::string Field() const;
  Span Place() const;
  // Where the value of a key comes from: "tls.cert".
  std::string FieldOf(std::string_view key) const;

 private:
  SectionView() = default;

  const YamlNode* top_ = nullptr;  // nullptr: not there, or not a map.
  const YamlNode* own_ = nullptr;
  std::string name_;
  std::string rule_field_;  // "" of the top level.
};

}  // namespace lb::controlplane
