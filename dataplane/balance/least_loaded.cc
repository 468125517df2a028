#include "dataplane/balance/least_loaded.h"

#include "base/check.h"
#include "base/prng.h"

namespace lb::dataplane {

LeastLoaded::LeastLoaded(size_t backends, uint64_t seed)
    : start_(backends == 0 ? 0 : Prng(seed).Below(backends)),
      weights_(backends, 0),
      loads_(backends, 0),
      costs_(backends) {}

void LeastLoaded::Reweigh(const std::vector<uint32_t>& weights) {
  LB_CHECK(weights.size() == weights_.size());
  weights_ = weights;  // Of the same size: nothing is allocated.
  for (size_t i = 0; i < weights_.size(); ++i) SetCost(i);
}

}  // namespace lb::dataplane
