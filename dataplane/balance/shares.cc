#include "dataplane/balance/shares.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// Steps in which a share grows: fine enough for no jump to be seen, and cheap.
constexpr int64_t kSteps = 100;
constexpr Duration kShortestStep = std::chrono::milliseconds(1);

}  // namespace

Shares::Shares(size_t backends, const Options& options) : options_(options), weights_(backends) {
  if (options.slow_start > Duration::zero()) slow_.reserve(backends);
}

void Shares::Update(const std::vector<BackendFacts>& facts, Instant now) {
  LB_CHECK(facts.size() == weights_.size());
  next_change_ = Instant::max();
  slow_.clear();
  ChooseGroup(facts);
  if (options_.slow_start > Duration::zero()) SlowDown(facts, now);
  total_weight_ = 0;
  for (const uint32_t weight : weights_) total_weight_ += weight;
}

void Shares::ChooseGroup(const std::vector<BackendFacts>& facts) {
  size_t number[2] = {0, 0};  // Of those with a weight; backups are the second.
  size_t usable[2] = {0, 0};
  for (const BackendFacts& backend : facts) {
    if (backend.weight == 0) continue;
    ++number[backend.backup];
    if (backend.usable) ++usable[backend.backup];
  }
  const bool backups = usable[0] == 0 && (usable[1] > 0 || number[0] == 0);
  panic_ = IsPanic(usable[backups], number[backups], options_.panic_threshold_ratio);
  backups_wait_ = !backups && usable[1] > 0;
  for (size_t i = 0; i < facts.size(); ++i) {
    const bool in_use = facts[i].backup == backups && (panic_ || facts[i].usable);
    weights_[i] = in_use ? facts[i].weight : 0;
  }
}

void Shares::SlowDown(const std::vector<BackendFacts>& facts, Instant now) {
  uint32_t most = 0;
  uint32_t least = kWhole;
  for (size_t i = 0; i < facts.size(); ++i) {
    if (weights_[i] == 0) continue;
    const uint32_t grown = GrownSince(facts[i].since, now);
    most = std::max(most, grown);
    least = std::min(least, grown);
  }
  if (least < kWhole && most > 0)
    next_change_ = now + std::max(options_.slow_start / kSteps, kShortestStep);
  const bool differ = least < most;
  if (differ) slow_.resize(facts.size(), kWhole);
  for (size_t i = 0; i < facts.size(); ++i) {
    if (weights_[i] == 0) continue;
    const uint32_t share = differ ? GrownSince(facts[i].since, now) * kWhole / most : kWhole;
    if (differ) slow_[i] = share;
    weights_[i] *= share;
  }
}

uint32_t Shares::GrownSince(Instant since, Instant now) const {
  if (since == Instant::min() || now - since >= options_.slow_start) return kWhole;
  if (now <= since) return kFirstShare;
  const double part =
      static_cast<double>((now - since).count()) / static_cast<double>(options_.slow_start.count());
  return kFirstShare + static_cast<uint32_t>(part * (kWhole - kFirstShare));
}

}  // namespace lb::dataplane
