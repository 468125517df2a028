#include "dataplane/balance/smooth_wrr.h"

#include <algorithm>

#include "base/check.h"
#include "base/prng.h"

namespace lb::dataplane {
namespace {

// Uniform in (0, 1].
double PlaceFrom(Prng& random) { return (static_cast<double>(random.Next() >> 11) + 1) * 0x1p-53; }

}  // namespace

SmoothWrr::SmoothWrr(const std::vector<uint32_t>& weights, uint64_t seed)
    : strides_(weights.size(), 0), places_(weights.size()), turns_(weights.size()) {
  Prng random(seed);
  for (double& place : places_) place = PlaceFrom(random);
  Reweigh(weights);
}

SmoothWrr::SmoothWrr(const std::vector<uint32_t>& weights, const SmoothWrr& previous,
                     const Origins& origins, uint64_t seed)
    : strides_(weights.size(), 0), places_(weights.size()), turns_(weights.size()) {
  LB_CHECK(origins.size() == weights.size());
  Prng random(seed);
  for (size_t i = 0; i < origins.size(); ++i)
    places_[i] = origins[i].has_value() ? previous.PlaceOf(*origins[i]) : PlaceFrom(random);
  Reweigh(weights);
}

void SmoothWrr::Reweigh(const std::vector<uint32_t>& weights) {
  LB_CHECK(weights.size() == strides_.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    const double place = PlaceOf(i);
    places_[i] = place;
    strides_[i] = weights[i] == 0 ? 0 : 1.0 / weights[i];
    turns_.Set(i, weights[i] == 0 ? LeastOf::kNever : now_ + place * strides_[i]);
  }
}

double SmoothWrr::PlaceOf(size_t index) const {
  if (strides_[index] == 0) return places_[index];
  // Somebody who was passed over is due; rounding makes a whole stride a little more than one.
  return std::clamp((turns_[index] - now_) / strides_[index], 0.0, 1.0);
}

void SmoothWrr::Rebase() {
  for (size_t i = 0; i < turns_.size(); ++i) {
    if (strides_[i] != 0) turns_.Set(i, turns_[i] - now_);
  }
  now_ = 0;
}

}  // namespace lb::dataplane
