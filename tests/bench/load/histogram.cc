#include "tests/bench/load/histogram.h"

#include <bit>

#include "base/check.h"

namespace lb::bench {

// The highest set bit chooses the power of two, the kSubBits below it the bucket in it.
unsigned Histogram::BucketOf(uint64_t value) {
  if (value < kSubBuckets) return static_cast<unsigned>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kSubBits;
  const unsigned within = static_cast<unsigned>(value >> shift) - kSubBuckets;
  return (shift + 1) * kSubBuckets + within;
}

uint64_t Histogram::LowerEdge(unsigned bucket) {
  if (bucket < kSubBuckets) return bucket;
  const unsigned shift = bucket / kSubBuckets - 1;
  return static_cast<uint64_t>(kSubBuckets + bucket % kSubBuckets) << shift;
}

void Histogram::Add(uint64_t value) {
  ++counts_[BucketOf(value)];
  ++count_;
}

uint64_t Histogram::Quantile(double quantile) const {
  LB_CHECK(quantile >= 0 && quantile <= 1);
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(quantile * static_cast<double>(count_ - 1));
  uint64_t below = 0;
  unsigned bucket = 0;
  for (; bucket + 1 < kBuckets; ++bucket) {
    below += counts_[bucket];
    if (below > rank) break;
  }
  return LowerEdge(bucket);
}

}  // namespace lb::bench
