#include "controlplane/config/key_table.h"

#include <algorithm>

#include "base/check.h"

namespace lb::controlplane {
namespace {

// "a.b[].c" is "c" in "a.b[]"; "a.b[]" is "[]" in "a.b".
struct Split {
  std::string_view parent;
  std::string_view name;
};

Split SplitPath(std::string_view path) {
  if (path.size() > 2 && path.substr(path.size() - 2) == "[]")
    return {path.substr(0, path.size() - 2), "[]"};
  const size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return {"", path};
  return {path.substr(0, dot), path.substr(dot + 1)};
}

}  // namespace

const KeyNode* KeyNode::Find(std::string_view member) const {
  for (const KeyNode* node : members) {
    if (node->name == member) return node;
  }
  return nullptr;
}

const KeyTable& KeyTable::Get() {
  static const KeyTable table;
  return table;
}

KeyTable::KeyTable() {
  static const KeySpec root_spec{.path = "", .description = "All of lb.yaml."};
  nodes_.push_back(std::make_unique<KeyNode>());
  root_ = nodes_.back().get();
  root_->spec = &root_spec;
  for (const KeySpec& spec : KeyRows()) {
    const Split split = SplitPath(spec.path);
    KeyNode* parent = Row(split.parent);
    LB_CHECK(parent != nullptr);
    nodes_.push_back(std::make_unique<KeyNode>());
    KeyNode* node = nodes_.back().get();
    node->spec = &spec;
    node->name = split.name;
    if (split.name == "[]")
      parent->item = node;
    else
      parent->members.push_back(node);
  }
  for (const std::unique_ptr<KeyNode>& node : nodes_) {
    if (node->spec->same_as.empty()) continue;
    const KeyNode* original = Row(node->spec->same_as);
    LB_CHECK(original != nullptr);
    node->shares_members = true;
    node->members = original->members;
    node->item = original->item;
  }
}

KeyNode* KeyTable::Row(std::string_view path) const {
  for (const std::unique_ptr<KeyNode>& node : nodes_) {
    if (node->spec->path == path) return node.get();
  }
  return nullptr;
}

const KeyNode* KeyTable::Find(std::string_view path) const {
  const KeyNode* node = root_;
  while (node != nullptr && !path.empty()) {
    if (path.front() == '[') {
      const size_t close = path.find(']');
      if (close == std::string_view::npos) return nullptr;
      node = node->item;
      path.remove_prefix(close + 1);
    } else {
      // A list's items have the members that a path without brackets means.
      if (node->item != nullptr) node = node->item;
      const size_t end = std::min(path.find_first_of(".["), path.size());
      node = node->Find(path.substr(0, end));
      path.remove_prefix(end);
    }
    if (!path.empty() && path.front() == '.') path.remove_prefix(1);
  }
  return node;
}

}  // namespace lb::controlplane
