#include "dataplane/balance/smooth_wrr.h"

#include <algorithm>
#include <set>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr AllInUse kAll;

std::vector<int> Count(SmoothWrr& wrr, int picks) {
  std::vector<int> counts(wrr.size(), 0);
  for (int i = 0; i < picks; ++i) ++counts[wrr.Pick(kAll).value()];
  return counts;
}

TEST(SmoothWrrTest, SharesAreExactAndTheLargestNeverComesMoreThanThreeTimesInARow) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    SmoothWrr wrr({5, 3, 1}, seed);
    std::vector<int> counts(3, 0);
    int in_a_row = 0;
    for (int i = 0; i < 9000; ++i) {
      const size_t pick = wrr.Pick(kAll).value();
      ++counts[pick];
      in_a_row = pick == 0 ? in_a_row + 1 : 0;
      ASSERT_LE(in_a_row, 3);
    }
    EXPECT_EQ(counts, (std::vector<int>{5000, 3000, 1000}));
  }
}

TEST(SmoothWrrTest, WeightZeroIsNeverPicked) {
  SmoothWrr wrr({1, 0, 3}, 1);
  EXPECT_EQ(Count(wrr, 400), (std::vector<int>{100, 0, 300}));
  SmoothWrr none({0, 0}, 1);
  EXPECT_EQ(none.Pick(kAll), std::nullopt);
  SmoothWrr empty({}, 1);
  EXPECT_EQ(empty.Pick(kAll), std::nullopt);
}

TEST(SmoothWrrTest, OnlyTheEligibleArePicked) {
  SmoothWrr wrr({5, 3, 1}, 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wrr.Pick([](size_t b) { return b == 2; }), 2u);
  EXPECT_EQ(wrr.Pick([](size_t) { return false; }), std::nullopt);
}

TEST(SmoothWrrTest, SeedsStartAtDifferentPlacesOfTheTurn) {
  std::set<size_t> first;
  for (uint64_t seed = 0; seed < 64; ++seed)
    first.insert(SmoothWrr({1, 1, 1, 1}, seed).Pick(kAll).value());
  EXPECT_EQ(first.size(), 4u);
}

TEST(SmoothWrrTest, AReturningBackendGetsItsShareAndNoBurst) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    SmoothWrr wrr({1, 1, 1, 1}, seed);
    for (int i = 0; i < 1001; ++i) wrr.Pick([](size_t b) { return b != 1; });
    std::vector<size_t> picks;
    for (int i = 0; i < 8; ++i) picks.push_back(wrr.Pick(kAll).value());
    EXPECT_LE(std::count(picks.begin(), picks.end(), 1u), 3);
    EXPECT_GE(std::count(picks.begin(), picks.end(), 1u), 1);
  }
}

// Goal: credits stay within bounds whatever comes and goes, so that the shares of a quiet time are
// right within one pick for each backend. Method: random flaps, then count over many turns.
TEST(SmoothWrrTest, SharesAreRightAgainAfterFlapping) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Prng random(seed);
    SmoothWrr wrr({7, 2, 1}, seed);
    for (int i = 0; i < 500; ++i) {
      const uint64_t down = random.Below(3);
      wrr.Pick([down](size_t b) { return b != down; });
    }
    const std::vector<int> counts = Count(wrr, 1000);
    EXPECT_NEAR(counts[0], 700, 3);
    EXPECT_NEAR(counts[1], 200, 3);
    EXPECT_NEAR(counts[2], 100, 3);
  }
}

TEST(SmoothWrrTest, LookingAtTheNextChangesNothing) {
  SmoothWrr wrr({5, 3, 1}, 1);
  const std::optional<size_t> next = wrr.Next(kAll);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(wrr.Next(kAll), next);
  EXPECT_EQ(wrr.Pick(kAll), next);
}

TEST(SmoothWrrTest, ATableThatChangesEveryPickKeepsTheOrder) {
  SmoothWrr plain({5, 3, 1}, 7);
  SmoothWrr reloaded({5, 3, 1}, 7);
  for (int i = 0; i < 90; ++i) {
    reloaded = SmoothWrr({5, 3, 1}, reloaded, {0, 1, 2}, 1);
    EXPECT_EQ(reloaded.Pick(kAll), plain.Pick(kAll));
  }
}

TEST(SmoothWrrTest, BackendsComeAndGoWithoutABurst) {
  SmoothWrr wrr({1, 1, 1}, 3);
  for (int i = 0; i < 1000; ++i) {
    // Backend 0 is removed, the others move up, a new one comes last.
    wrr = SmoothWrr({1, 1, 1}, wrr, {1, 2, std::nullopt}, static_cast<uint64_t>(i));
    wrr.Pick(kAll);
  }
  EXPECT_EQ(Count(wrr, 300), (std::vector<int>{100, 100, 100}));
}

TEST(SmoothWrrTest, ACutWeightDoesNotPayForItsPast) {
  SmoothWrr wrr({1'000'000, 1}, 3);
  for (int i = 0; i < 500'000; ++i) wrr.Pick(kAll);
  wrr = SmoothWrr({1, 1}, wrr, {0, 1}, 1);
  const std::vector<int> counts = Count(wrr, 20);
  EXPECT_NEAR(counts[0], 10, 2);
}

}  // namespace
}  // namespace lb::dataplane
