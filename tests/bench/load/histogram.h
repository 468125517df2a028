// A histogram of latencies whose buckets grow with the value: a constant relative error over the
// whole range of uint64_t, and a constant cost to add. Threading: none.
#pragma once

#include <array>
#include <cstdint>

namespace lb::bench {

class Histogram final {
 public:
  // Every power of two is cut into 2^kSubBits buckets, so a bucket is at most 1/2^kSubBits of its
  // value wide. Values below 2^kSubBits are exact.
  static constexpr unsigned kSubBits = 5;

  void Add(uint64_t value);

  uint64_t count() const { return count_; }

  // The lower edge of the bucket that holds this quantile (0 to 1) of what was added; 0 when
  // nothing was.
  uint64_t Quantile(double quantile) const;

 private:
  static constexpr unsigned kSubBuckets = 1u << kSubBits;
  static constexpr unsigned kBuckets = (64 - kSubBits + 1) * kSubBuckets;

  static unsigned BucketOf(uint64_t value);
  static uint64_t LowerEdge(unsigned bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
};

}  // namespace lb::bench
