#include "controlplane/snapshot/versions.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lb::controlplane {

Versions::Versions(const type::v1::ConfigVersion& stored) : current_(stored) {
  current_.set_epoch(std::min(stored.epoch(), kEpochMax - 1) + 1);
}

bool Versions::SetContent(EncodedSnapshot content) {
  const bool same = content.digest == current_.digest();
  if (has_content_ && same) return false;
  if (!same || current_.revision() == 0) current_.set_revision(current_.revision() + 1);
  has_content_ = true;
  current_.set_digest(std::move(content.digest));
  bytes_ = std::make_shared<const std::string>(std::move(content.bytes));
  Remember();
  return true;
}

bool Versions::Ran(const type::v1::ConfigVersion& version) {
  if (!has_content_ || version.epoch() != current_.epoch() ||
      version.revision() != current_.revision() || version.digest() != current_.digest())
    return false;
  last_good_ = Content{current_, bytes_};
  return true;
}

void Versions::SetLastGood(EncodedSnapshot content, const type::v1::ConfigVersion& was) {
  LB_CHECK(has_content_);
  last_good_ = Content{was, std::make_shared<const std::string>(std::move(content.bytes))};
  last_good_->version.set_digest(std::move(content.digest));
  last_good_->version.set_epoch(std::min(was.epoch(), current_.epoch() - 1));
}

const Versions::Content* Versions::last_good() const {
  const bool other = last_good_ && last_good_->version.digest() != current_.digest();
  return other ? &*last_good_ : nullptr;
}

bool Versions::Observe(const type::v1::ConfigVersion& running) {
  LB_CHECK(running.epoch() <= kEpochMax);
  if (running.epoch() < current_.epoch()) return false;
  const auto known = ours_.find({running.epoch(), running.revision()});
  if (known != ours_.end() && known->second == running.digest()) return false;
  if (current_.epoch() == kEpochMax) return false;
  current_.set_epoch(std::min(running.epoch(), kEpochMax - 1) + 1);
  if (has_content_) Remember();
  return true;
}

const type::v1::ConfigVersion& Versions::current() const {
  LB_CHECK(has_content_);
  return current_;
}

const std::string& Versions::bytes() const {
  LB_CHECK(has_content_);
  return *bytes_;
}

void Versions::Remember() {
  ours_[{current_.epoch(), current_.revision()}] = current_.digest();
  if (ours_.size() > kMaxRemembered) ours_.erase(ours_.begin());
}

}  // namespace lb::controlplane
