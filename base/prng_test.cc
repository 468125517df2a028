#include "base/prng.h"

#include "gtest/gtest.h"

namespace lb {
namespace {

// The first outputs of SplitMix64 for seed 1234567, as published with the reference code.
TEST(PrngTest, GivesThePublishedSequence) {
  Prng prng(1234567);
  EXPECT_EQ(prng.Next(), 6457827717110365317u);
  EXPECT_EQ(prng.Next(), 3203168211198807973u);
}

TEST(PrngTest, BelowReachesAllValuesEvenly) {
  Prng prng(1);
  int counts[5] = {};
  for (int i = 0; i < 50'000; ++i) ++counts[prng.Below(5)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace lb
