#include "controlplane/budget/water_fill.h"

#include <numeric>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Shares = std::vector<uint64_t>;

TEST(WaterFillTest, GivesModestDemandsInFullAndTheRestToTheGreedy) {
  EXPECT_EQ(WaterFill(50, {50, 50}), (Shares{25, 25}));
  EXPECT_EQ(WaterFill(50, {50, 5}), (Shares{45, 5}));
  EXPECT_EQ(WaterFill(10, {9, 9, 9}), (Shares{3, 3, 4}));
}

TEST(WaterFillTest, SpreadsWhatNobodyAskedForEvenly) {
  EXPECT_EQ(WaterFill(10, {1, 1}), (Shares{5, 5}));
  EXPECT_EQ(WaterFill(7, {0}), (Shares{7}));
  EXPECT_EQ(WaterFill(7, {}), (Shares{}));
}

TEST(WaterFillTest, AlwaysSumsToTheTotalAndFavoursNoGreedyOne) {
  Prng prng(7);
  for (int round = 0; round < 10'000; ++round) {
    const uint64_t total = prng.Below(200);
    Shares demands(1 + prng.Below(8));
    for (uint64_t& demand : demands) demand = prng.Below(100);
    const Shares shares = WaterFill(total, demands);
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), uint64_t{0}), total);
    for (size_t a = 0; a < shares.size(); ++a) {
      if (shares[a] >= demands[a]) continue;
      for (const uint64_t share : shares) EXPECT_LE(share, shares[a] + 1) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace lb::controlplane
