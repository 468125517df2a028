// The one table of keys: what lb.yaml may say. The loader, the JSON Schema, `lbctl config explain`
// and docs/configuration.md are all made from it. Threading: safe, immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config/key_spec.h"

namespace lb::controlplane {

// The rows, parents before their members, in the order of the reference document.
const std::vector<KeySpec>& KeyRows();

// A row with its place in the tree of keys.
struct KeyNode {
  const KeySpec* spec = nullptr;
  std::string_view name;                // Its last path segment.
  std::vector<const KeyNode*> members;  // Of a map.
  const KeyNode* item = nullptr;        // Of a list.
  bool shares_members = false;          // They belong to the row `same_as` names.

  const KeyNode* Find(std::string_view member) const;
};

class KeyTable final {
 public:
  static const KeyTable& Get();

  const KeyNode& root() const { return *root_; }

  // The row of a path as written by people: "rules[0].listen", "rules[].listen", "rules.listen".
  // nullptr when there is none. "" is the root.
  const KeyNode* Find(std::string_view path) const;

 private:
  KeyTable();
  KeyNode* Row(std::string_view path) const;

  std::vector<std::unique_ptr<KeyNode>> nodes_;
  KeyNode* root_ = nullptr;
};

}  // namespace lb::controlplane
