#include "controlplane/membership/ordered_keys.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "controlplane/membership/key_ring.h"

namespace lb::controlplane::swim {
namespace {

bool IsKeyLength(size_t bytes) { return bytes == 16 || bytes == 24 || bytes == 32; }

// Of the keys in their order; no two rings have the same.
std::string DigestOf(const std::vector<std::string>& keys) {
  std::string all;
  for (const std::string& key : keys) absl::StrAppend(&all, key.size(), ":", key);
  return Sha256(all);
}

}  // namespace

void OrderedKeys::Restore(Stored stored) {
  const bool good = !stored.keys.empty() && KeyRing::Make(stored.keys).ok();
  restored_ = good ? std::move(stored) : Stored{};
}

OrderedKeys::Stored OrderedKeys::ToStore() const {
  if (!restored_.keys.empty()) return restored_;
  if (!differ()) return {};
  return {DigestOf(configured_), keys_};
}

bool OrderedKeys::SetConfigured(const std::vector<std::string>& keys) {
  Stored restored = std::exchange(restored_, {});
  if (!restored.keys.empty()) {
    configured_ = keys;
    const bool same = DigestOf(keys) == restored.configured_digest;
    const bool dropped = !same && restored.keys != keys;
    keys_ = same ? std::move(restored.keys) : keys;
    return dropped;
  }
  if (keys == configured_) return false;
  const bool dropped = differ() && keys_ != keys;
  configured_ = keys;
  keys_ = keys;
  return dropped;
}

bool OrderedKeys::Clear() {
  const bool dropped = differ() || !restored_.keys.empty();
  *this = OrderedKeys();
  return dropped;
}

bool OrderedKeys::Has(const std::string& key) const {
  return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
}

absl::Status OrderedKeys::Check(KeyVerb verb, const std::string& key) const {
  if (keys_.empty())
    return absl::FailedPreconditionError("the cluster has no key, so that there is none to change");
  switch (verb) {
    case KeyVerb::kList:
      break;
    case KeyVerb::kAdd:
      if (!IsKeyLength(key.size()))
        return absl::InvalidArgumentError(
            absl::StrCat("the key has ", key.size(), " bytes, not 16, 24 or 32"));
      if (!Has(key) && keys_.size() >= KeyRing::kMaxKeys)
        return absl::ResourceExhaustedError(
            absl::StrCat("there are ", keys_.size(), " keys, and no more can be used"));
      break;
    case KeyVerb::kUse:
      if (!Has(key)) return absl::NotFoundError("the key is none of the ring: add it first");
      break;
    case KeyVerb::kRemove:
      if (key == keys_.front())
        return absl::FailedPreconditionError(
            "the key is the one that seals: use another one first");
      break;
  }
  return absl::OkStatus();
}

absl::Status OrderedKeys::CarryOut(KeyVerb verb, const std::string& key) {
  const absl::Status status = Check(verb, key);
  if (!status.ok()) return status;
  const auto at = std::find(keys_.begin(), keys_.end(), key);
  if (verb == KeyVerb::kAdd && at == keys_.end()) keys_.push_back(key);
  if (verb == KeyVerb::kUse) std::rotate(keys_.begin(), at, at + 1);
  if (verb == KeyVerb::kRemove && at != keys_.end()) keys_.erase(at);
  return status;
}

std::vector<KeyMark> OrderedKeys::Marks() const {
  std::vector<KeyMark> marks;
  for (const std::string& key : keys_) marks.push_back(MarkOf(key));
  return marks;
}

}  // namespace lb::controlplane::swim
