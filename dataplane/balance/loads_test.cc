// The two algorithms that look at connections, and the search both rely on.
#include <algorithm>
#include <numeric>

#include "base/prng.h"
#include "dataplane/balance/least_loaded.h"
#include "dataplane/balance/two_choices.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr auto kAll = [](size_t) { return true; };

TEST(LeastOfTest, FindsWhatAPlainSearchFinds) {
  Prng random(1);
  for (const size_t size : {1u, 2u, 15u, 16u, 17u, 100u, 1'000u}) {
    SCOPED_TRACE(size);
    LeastOf least(size);
    EXPECT_EQ(least.Find(0), std::nullopt);
    std::vector<double> values(size, LeastOf::kNever);
    for (int i = 0; i < 2'000; ++i) {
      const size_t at = random.Below(size);
      values[at] = random.Chance(1, 5) ? LeastOf::kNever : static_cast<double>(random.Below(9));
      least.Set(at, values[at]);
      const size_t start = random.Below(size);
      const double lowest = *std::min_element(values.begin(), values.end());
      std::optional<size_t> expected;
      for (size_t j = 0; j < size && !expected.has_value() && lowest != LeastOf::kNever; ++j) {
        if (values[(start + j) % size] == lowest) expected = (start + j) % size;
      }
      ASSERT_EQ(least.Find(start), expected);
    }
  }
  EXPECT_EQ(LeastOf(0).Find(0), std::nullopt);
}

// Takes `count` connections that stay, and returns how many each backend has.
std::vector<uint64_t> Fill(LeastLoaded& least, size_t backends, int count) {
  std::vector<uint64_t> loads(backends, 0);
  for (int i = 0; i < count; ++i) {
    const size_t picked = least.Next().value();
    least.Take(picked);
    least.SetLoad(picked, ++loads[picked]);
  }
  return loads;
}

TEST(LeastLoadedTest, ConnectionsFollowTheWeights) {
  LeastLoaded least(4, 1);
  least.Reweigh({4, 2, 1, 0});
  EXPECT_EQ(Fill(least, 4, 700), (std::vector<uint64_t>{400, 200, 100, 0}));
}

TEST(LeastLoadedTest, WhoLostItsConnectionsIsNext) {
  LeastLoaded least(3, 1);
  least.Reweigh({1, 1, 1});
  Fill(least, 3, 30);
  least.SetLoad(1, 7);
  for (uint64_t load = 8; load <= 10; ++load) {
    EXPECT_EQ(least.Next(), 1u);
    least.Take(1);
    least.SetLoad(1, load);
  }
}

TEST(LeastLoadedTest, TiesGoRound) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    LeastLoaded least(20, seed);
    least.Reweigh(std::vector<uint32_t>(20, 1));
    std::vector<int> counts(20, 0);
    // Connections that end at once leave all loads at 0.
    for (int i = 0; i < 200; ++i) {
      const size_t picked = least.Next().value();
      ++counts[picked];
      least.Take(picked);
    }
    EXPECT_EQ(counts, std::vector<int>(20, 10));
  }
}

TEST(LeastLoadedTest, OnlyTheEligibleArePicked) {
  LeastLoaded least(3, 1);
  EXPECT_EQ(least.Next(), std::nullopt);
  least.Reweigh({1, 1, 0});
  EXPECT_EQ(least.NextAmong([](size_t b) { return b == 1; }), 1u);
  EXPECT_EQ(least.NextAmong([](size_t b) { return b == 2; }), std::nullopt);
  least.SetLoad(0, 5);
  EXPECT_EQ(least.NextAmong(kAll), 1u);
}

std::vector<double> Drawn(const std::vector<uint32_t>& weights, int draws) {
  TwoChoices choices(weights.size(), 7);
  choices.Reweigh(weights);
  std::vector<double> counts(weights.size(), 0);
  // Loads in proportion to the weights: the draws alone decide.
  std::vector<uint64_t> loads(weights.size(), 0);
  for (int i = 0; i < draws; ++i) {
    const size_t picked = choices.Next([&](size_t b) { return loads[b]; }, kAll).value();
    ++counts[picked];
    ++loads[picked];
  }
  return counts;
}

TEST(TwoChoicesTest, ConnectionsFollowTheWeights) {
  const std::vector<double> counts = Drawn({5, 3, 0, 1, 1}, 100'000);
  EXPECT_EQ(counts[2], 0);
  EXPECT_NEAR(counts[0], 50'000, 500);
  EXPECT_NEAR(counts[1], 30'000, 500);
  EXPECT_NEAR(counts[3], 10'000, 500);
}

// Mitzenmacher: the fullest of n bins has ln ln n / ln 2 more than the mean, not the square root.
TEST(TwoChoicesTest, NobodyIsFarAboveTheMean) {
  const std::vector<double> counts = Drawn(std::vector<uint32_t>(100, 1), 100'000);
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 1'000 + 5);
}

TEST(TwoChoicesTest, OnlyTheEligibleArePicked) {
  TwoChoices choices(100, 1);
  const auto no_load = [](size_t) { return uint64_t{0}; };
  EXPECT_EQ(choices.Next(no_load, kAll), std::nullopt);
  std::vector<uint32_t> weights(100, 1'000'000);
  weights[42] = 1;
  weights[43] = 0;
  choices.Reweigh(weights);
  // So light that no draw meets it.
  EXPECT_EQ(choices.Next(no_load, [](size_t b) { return b == 42; }), 42u);
  EXPECT_EQ(choices.Next(no_load, [](size_t b) { return b == 43; }), std::nullopt);
}

TEST(TwoChoicesTest, OneSeedGivesOneRun) {
  EXPECT_EQ(Drawn({3, 2, 1}, 1'000), Drawn({3, 2, 1}, 1'000));
}

}  // namespace
}  // namespace lb::dataplane
