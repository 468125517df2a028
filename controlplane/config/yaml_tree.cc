#include "controlplane/config/yaml_tree.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/yaml_reader.h"

namespace lb::controlplane {

bool YamlTreeBuilder::Scalar(YamlNode scalar, std::string_view anchor) {
  if (KeyIsDue()) return TakeKey(std::move(scalar));
  if (!Count(1, scalar.span)) return false;
  Anchored value{std::move(scalar), 1, 1};
  return Keep(anchor, value) && Place(std::move(value));
}

bool YamlTreeBuilder::Begin(YamlNode::Kind kind, Span span, std::string_view anchor) {
  if (KeyIsDue())
    return Refuse(codes::kUnsupportedYaml, span, "a key must be plain text, not a map or list");
  if (!Count(1, span)) return false;
  if (open_.size() >= kMaxYamlDepth) {
    return Refuse(codes::kTooDeepOrMany, span,
                  absl::StrCat("more than ", kMaxYamlDepth, " maps and lists inside each other"));
  }
  Open open;
  open.node.kind = kind;
  open.node.span = span;
  open.anchor = std::string(anchor);
  open_.push_back(std::move(open));
  return true;
}

bool YamlTreeBuilder::End() {
  LB_CHECK(!open_.empty());
  Open done = std::move(open_.back());
  open_.pop_back();
  Anchored value{std::move(done.node), done.size, done.height};
  return Keep(done.anchor, value) && Place(std::move(value));
}

bool YamlTreeBuilder::Alias(std::string_view anchor, Span span) {
  if (KeyIsDue()) return Refuse(codes::kUnsupportedYaml, span, "a key must not be an alias");
  // Looked for innermost first: an anchor may be defined anew inside another of the same name.
  const bool inside_itself = std::any_of(open_.begin(), open_.end(),
                                         [&](const Open& open) { return open.anchor == anchor; });
  if (inside_itself) {
    return Refuse(codes::kAlias, span,
                  absl::StrCat("alias ", Quote(anchor), " stands inside the value it names"));
  }
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    return Refuse(codes::kAlias, span,
                  absl::StrCat("alias ", Quote(anchor), " names no anchor before it"));
  }
  if (!Count(found->second.size, span)) return false;
  if (open_.size() + found->second.height > kMaxYamlDepth) {
    return Refuse(codes::kTooDeepOrMany, span,
                  absl::StrCat("more than ", kMaxYamlDepth, " maps and lists inside each other"));
  }
  Anchored value = found->second;
  value.node.span = span;  // What is wrong with the whole is fixed here, with its parts there.
  return Place(std::move(value));
}

bool YamlTreeBuilder::KeyIsDue() const {
  return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap &&
         !open_.back().key.has_value();
}

bool YamlTreeBuilder::TakeKey(YamlNode key) {
  Open& map = open_.back();
  if (!map.keys.insert(key.text).second) {
    map.key = key;
    findings_.Add({.code = codes::kDuplicateKey,
                   .span = key.span,
                   .field = Path(),
                   .message = absl::StrCat("key ", Quote(key.text), " stands here twice")});
  }
  map.key = std::move(key);
  return true;
}

bool YamlTreeBuilder::Place(Anchored value) {
  if (open_.empty()) {
    root_ = std::move(value.node);
    return true;
  }
  Open& parent = open_.back();
  parent.size += value.size;
  parent.height = std::max(parent.height, value.height + 1);
  // An anchored value may have stood under another key.
  value.node.key.clear();
  value.node.key_span = {};
  if (parent.key.has_value()) {
    value.node.key = std::move(parent.key->text);
    value.node.key_span = parent.key->span;
    parent.key.reset();
  }
  parent.node.children.push_back(std::move(value.node));
  return true;
}

bool YamlTreeBuilder::Keep(std::string_view anchor, const Anchored& value) {
  if (anchor.empty()) return true;
  if (!Count(value.size, value.node.span)) return false;
  anchors_[std::string(anchor)] = value;
  return true;
}

bool YamlTreeBuilder::Count(size_t nodes, Span span) {
  nodes_ += nodes;
  if (nodes_ <= kMaxYamlNodes) return true;
  return Refuse(codes::kTooDeepOrMany, span,
                absl::StrCat("more than ", kMaxYamlNodes, " values, aliases counted in full"));
}

bool YamlTreeBuilder::Refuse(std::string_view code, Span span, std::string message,
                             std::string hint) {
  findings_.Add({.code = code,
                 .span = span,
                 .field = Path(),
                 .message = std::move(message),
                 .hint = std::move(hint)});
  return false;
}

std::string YamlTreeBuilder::Path() const {
  std::string path;
  for (const Open& open : open_) {
    if (open.node.kind == YamlNode::Kind::kList)
      absl::StrAppend(&path, "[", open.node.children.size(), "]");
    else if (open.key.has_value())
      absl::StrAppend(&path, path.empty() ? "" : ".", open.key->text);
  }
  return path;
}

}  // namespace lb::controlplane
