#include "controlplane/config/section_view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/config/checker.h"

namespace lb::controlplane {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

const YamlNode* MapOf(const YamlNode& parent, std::string_view name) {
  const YamlNode* section = parent.Find(name);
  return section != nullptr && section->kind == YamlNode::Kind::kMap ? section : nullptr;
}

// A value that has a finding is as if nobody said it.
bool IsGood(const YamlNode& node) { return node.kind != YamlNode::Kind::kScalar || node.valid; }

}  // namespace

SectionView::SectionView(const YamlNode& root, std::string_view name)
    : own_(MapOf(root, name)), name_(name) {}

SectionView::SectionView(const YamlNode& root, std::string_view name, const YamlNode& rule,
                         std::string field)
    : top_(MapOf(root, name)),
      own_(MapOf(rule, name)),
      name_(name),
      rule_field_(std::move(field)) {}

bool SectionView::on() const {
  const YamlNode* section = own_ != nullptr ? own_ : top_;
  return section != nullptr && SectionIsOn(*section);
}

const YamlNode* SectionView::Value(std::string_view key) const {
  const YamlNode* node = Find(key);
  return node != nullptr && node->valid ? node : nullptr;
}

const YamlNode* SectionView::Find(std::string_view key) const {
  for (const YamlNode* section : {own_, top_}) {
    const YamlNode* node = section == nullptr ? nullptr : section->Find(key);
    if (node != nullptr) return IsGood(*node) ? node : nullptr;
  }
  return nullptr;
}

bool SectionView::Says(std::string_view key) const {
  return SaysItself(key) || (top_ != nullptr && top_->Find(key) != nullptr);
}

bool SectionView::SaysItself(std::string_view key) const {
  return own_ != nullptr && own_->Find(key) != nullptr;
}

std::string SectionView::Text(std::string_view key) const {
  const YamlNode* node = Value(key);
  return node == nullptr ? "" : node->text;
}

bool SectionView::IsTrue(std::string_view key) const {
  const YamlNode* node = Value(key);
  return node != nullptr && node->number != 0;
}

SectionView SectionView::Within(std::string_view key) const {
  SectionView inner;
  if (top_ != nullptr) inner.top_ = MapOf(*top_, key);
  if (own_ != nullptr) inner.own_ = MapOf(*own_, key);
  inner.name_ = absl::StrCat(name_, ".", Absl(key));
  inner.rule_field_ = rule_field_;
  return inner;
}

std::string SectionView::Field() const {
  const bool of_rule = own_ != nullptr && !rule_field_.empty();
  return of_rule ? absl::StrCat(rule_field_, ".", name_) : name_;
}

Span SectionView::Place() const {
  const YamlNode* section = own_ != nullptr ? own_ : top_;
  LB_CHECK(section != nullptr);
  return section->Place();
}

std::string SectionView::FieldOf(std::string_view key) const {
  const bool of_rule = SaysItself(key) && !rule_field_.empty();
  return absl::StrCat(of_rule ? absl::StrCat(rule_field_, ".") : "", name_, ".", Absl(key));
}

}  // namespace lb::controlplane
