// Where a walk through a tree is, written out only when there is a finding: "rules[0].listen".
// Threading: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

class FieldPath final {
 public:
  // Stands in a member or item for as long as it lives; `key` must live as long.
  class Scope final {
   public:
    Scope(FieldPath& path, YamlNode::Kind parent, std::string_view key, size_t index)
        : path_(path) {
      path_.segments_.push_back({parent == YamlNode::Kind::kList, key, index});
    }
    ~Scope() { path_.segments_.pop_back(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    FieldPath& path_;
  };

  // "" at the top.
  std::string ToString() const;

 private:
  struct Segment {
    bool is_item;
    std::string_view key;
    size_t index;
  };
  std::vector<Segment> segments_;
};

}  // namespace lb::controlplane
