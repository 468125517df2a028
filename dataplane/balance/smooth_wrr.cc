#include "dataplane/balance/smooth_wrr.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/prng.h"

namespace lb::dataplane {
namespace {

// The most work done to find the starting place, in steps of one backend: well below the time one
// reload takes. Longer turns start somewhere in their first part.
constexpr uint64_t kMaxStaggerSteps = 100'000;

}  // namespace

SmoothWrr::SmoothWrr(std::vector<uint32_t> weights, uint64_t seed)
    : weights_(std::move(weights)), credits_(weights_.size(), 0) {
  const int64_t total = TotalWeight();
  if (total == 0) return;
  uint32_t divisor = 0;
  for (const uint32_t weight : weights_) divisor = std::gcd(divisor, weight);
  const uint64_t turn = static_cast<uint64_t>(total) / divisor;
  const uint64_t affordable = std::max<uint64_t>(1, kMaxStaggerSteps / weights_.size());
  const uint64_t start = Prng(seed).Below(std::min(turn, affordable));
  for (uint64_t i = 0; i < start; ++i) Pick([](size_t) { return true; });
}

SmoothWrr::SmoothWrr(std::vector<uint32_t> weights, const SmoothWrr& previous,
                     const Origins& origins)
    : weights_(std::move(weights)), credits_(weights_.size(), 0) {
  LB_CHECK(origins.size() == weights_.size());
  if (weights_.empty()) return;
  int64_t sum = 0;
  for (size_t i = 0; i < origins.size(); ++i) {
    if (!origins[i].has_value()) continue;
    credits_[i] = previous.credits_.at(*origins[i]);
    sum += credits_[i];
  }
  // Only differences count. Without this, the credit that left with removed backends would add up
  // over many reloads; without the bound, a cut weight would have to work off old credit for long.
  const int64_t mean = sum / static_cast<int64_t>(credits_.size());
  const int64_t total = TotalWeight();
  for (int64_t& credit : credits_) credit = std::clamp(credit - mean, -total, total);
}

int64_t SmoothWrr::TotalWeight() const {
  return std::accumulate(weights_.begin(), weights_.end(), int64_t{0});
}

}  // namespace lb::dataplane
