#include "tests/bench/load/histogram.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::bench {
namespace {

TEST(HistogramTest, IsZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
}

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (uint64_t value = 0; value <= 30; ++value) histogram.Add(value);
  EXPECT_EQ(histogram.Quantile(0), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 15u);
  EXPECT_EQ(histogram.Quantile(1), 30u);
}

TEST(HistogramTest, PowersOfTwoAreExactUpToTheLargestValue) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    Histogram histogram;
    histogram.Add(uint64_t{1} << bit);
    EXPECT_EQ(histogram.Quantile(1), uint64_t{1} << bit);
  }
  Histogram histogram;
  const uint64_t largest = std::numeric_limits<uint64_t>::max();
  histogram.Add(largest);
  EXPECT_EQ(histogram.Quantile(1), largest - (largest >> (Histogram::kSubBits + 1)));
}

// Any quantile is at most one bucket below that of the sorted values, and never above it.
TEST(HistogramTest, QuantilesStayWithinABucketOfTheTrueOnes) {
  constexpr uint64_t kSeed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  Prng prng(kSeed);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t value = prng.Next() >> prng.Below(64);
    values.push_back(value);
    histogram.Add(value);
  }
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(quantile * static_cast<double>(values.size() - 1));
    const uint64_t truth = values[rank];
    EXPECT_LE(histogram.Quantile(quantile), truth);
    EXPECT_GE(histogram.Quantile(quantile), truth - (truth >> Histogram::kSubBits));
  }
  EXPECT_EQ(histogram.count(), values.size());
}

}  // namespace
}  // namespace lb::bench
