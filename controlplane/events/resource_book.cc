#include "controlplane/events/resource_book.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

using admin::v1::ResourceChange;
using admin::v1::ResourceType;

constexpr size_t kScopeBytes = 4;  // Of a digest: enough to find a token that is used elsewhere.

std::string DigestOf(const ResourceScope& scope) {
  std::string text = scope.parent;
  for (const ResourceType type : scope.types) absl::StrAppend(&text, " ", type);
  return ToHex(Sha256(text).substr(0, kScopeBytes));
}

Failure Invalid(const std::string& what) {
  return FieldFailure("resume_token", what, "RESUME_TOKEN_INVALID");
}

}  // namespace

bool ResourceScope::Has(ResourceType type, const std::string& name) const {
  if (std::find(types.begin(), types.end(), type) == types.end()) return false;
  if (parent.empty()) return true;
  return name.compare(0, parent.size(), parent) == 0 &&
         (name.size() == parent.size() || name[parent.size()] == '/');
}

void ResourceBook::Note(ResourceType type, const std::string& name, uint64_t state) {
  const auto [it, is_new] = Of(type).try_emplace(name);
  Entry& entry = it->second;
  entry.look = look_;
  if (!is_new && !entry.gone && entry.state == state) return;
  entry.state = state;
  Renumber(type, it);
  if (is_new || entry.gone) entry.created = entry.changed;
  entry.gone = false;
}

void ResourceBook::EndLook(ResourceType type) {
  Entries& entries = Of(type);
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (it->second.look == look_ || it->second.gone) continue;
    Renumber(type, it);
    it->second.gone = true;
    gone_.emplace(newest_, Place{type, it});
  }
  while (gone_.size() > kMaxGone) ForgetOldestGone();
}

void ResourceBook::Renumber(ResourceType type, Entries::iterator entry) {
  by_number_.erase(entry->second.changed);
  gone_.erase(entry->second.changed);
  entry->second.changed = ++newest_;
  by_number_.emplace(newest_, Place{type, entry});
}

void ResourceBook::ForgetOldestGone() {
  const auto [number, place] = *gone_.begin();
  forgotten_ = number;
  gone_.erase(number);
  by_number_.erase(number);
  Of(place.type).erase(place.entry);
}

uint64_t ResourceBook::After(uint64_t after, uint64_t begin, const ResourceScope& scope,
                             size_t most, std::vector<Change>& changes) const {
  uint64_t said = after;
  for (auto it = by_number_.upper_bound(after); it != by_number_.end(); ++it) {
    if (most == 0) return said;
    const auto& [name, entry] = *it->second.entry;
    said = it->first;
    if (!scope.Has(it->second.type, name)) continue;
    if (entry.gone && (entry.created > after || entry.changed <= begin)) continue;
    changes.push_back({it->first, it->second.type, name,
                       entry.gone              ? ResourceChange::KIND_DELETED
                       : entry.created > after ? ResourceChange::KIND_ADDED
                                               : ResourceChange::KIND_MODIFIED});
    --most;
  }
  return newest_;
}

std::string ResourceBook::TokenOf(uint64_t number, const ResourceScope& scope) const {
  return absl::StrCat(life_, ".", DigestOf(scope), ".", number);
}

Outcome<uint64_t> ResourceBook::Resume(const std::string& token, const ResourceScope& scope) const {
  const size_t dot = token.rfind('.');
  const size_t before = dot == std::string::npos || dot == 0 ? dot : token.rfind('.', dot - 1);
  uint64_t number = 0;
  if (dot == std::string::npos || before == std::string::npos || before >= dot ||
      !absl::SimpleAtoi(token.substr(dot + 1), &number))
    return Invalid("not one of a resource watch");
  if (token.substr(before + 1, dot - before - 1) != DigestOf(scope))
    return Invalid("of a watch of other types, or of another parent");
  const bool ours = token.substr(0, before) == life_ && number <= newest_;
  if (ours && number >= forgotten_) return number;
  return Failure{absl::OutOfRangeError(
                     ours ? "resume_token: deletions after it are remembered no more; begin anew"
                          : "resume_token: of another life of the control plane; begin anew"),
                 "RESUME_TOKEN_TOO_OLD"};
}

}  // namespace lb::controlplane
