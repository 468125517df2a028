// What the two tables promise: even shares, and few clients that move. The figures printed stand in
// docs/configuration.md's words and are to be compared with the Maglev paper's, 5.3.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "dataplane/balance/hash_ring.h"
#include "dataplane/balance/hashing.h"
#include "dataplane/balance/maglev.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr size_t kKeys = 200'000;

std::vector<std::string> Names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":80");
  return names;
}

// A table over `names` with these weights (empty: 1 each).
template <typename Table>
Table Make(const std::vector<std::string>& names, const std::vector<uint32_t>& weights = {}) {
  std::vector<typename Table::Backend> backends;
  for (size_t i = 0; i < names.size(); ++i)
    backends.push_back({names[i], weights.empty() ? 1 : weights[i]});
  return Table(backends);
}

size_t BackendOf(const Maglev& table, uint64_t key) { return table.At(Mix(key)); }
size_t BackendOf(const HashRing& table, uint64_t key) { return table.Owner(table.Find(Mix(key))); }

// The part of the keys that had another backend before and moved all the same, when the backends
// `gone` have no weight any more.
template <typename Table>
double MovedOfOthers(std::vector<uint32_t> weights, const std::vector<size_t>& gone) {
  const std::vector<std::string> names = Names(weights.size());
  const Table before = Make<Table>(names, weights);
  for (const size_t i : gone) weights[i] = 0;
  const Table after = Make<Table>(names, weights);
  size_t others = 0;
  size_t moved = 0;
  for (uint64_t key = 0; key < kKeys; ++key) {
    const size_t old = BackendOf(before, key);
    if (weights[old] == 0) continue;
    ++others;
    if (BackendOf(after, key) != old) ++moved;
  }
  return static_cast<double>(moved) / static_cast<double>(others);
}

template <typename Table>
double MovedOfOthers(size_t count, const std::vector<size_t>& gone) {
  return MovedOfOthers<Table>(std::vector<uint32_t>(count, 1), gone);
}

// 1 to 5, so that the heaviest of a hundred has 1.7 % of all.
std::vector<uint32_t> MixedWeights(size_t count) {
  std::vector<uint32_t> weights;
  for (uint32_t i = 0; i < count; ++i) weights.push_back(i % 5 + 1);
  return weights;
}

// How far the share of any backend is from its weight's, as a part of it.
double LargestDeviation(const std::vector<double>& counts, const std::vector<uint32_t>& weights) {
  double total = 0;
  double total_weight = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    total_weight += weights[i];
  }
  double largest = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double even = total * weights[i] / total_weight;
    largest = std::max(largest, std::abs(counts[i] - even) / even);
  }
  return largest;
}

std::vector<double> EntriesOf(const Maglev& table, size_t backends) {
  std::vector<double> counts(backends, 0);
  for (const uint16_t backend : table.entries()) ++counts[backend];
  return counts;
}

TEST(MaglevTest, ThePermutationsOfThePaperGiveTheTableByHand) {
  // One backend has all of it; the same again gives the same.
  const Maglev one = Make<Maglev>({"a"});
  EXPECT_EQ(std::count(one.entries().begin(), one.entries().end(), 0),
            static_cast<int64_t>(Maglev::kEntries));
  EXPECT_EQ(Make<Maglev>(Names(7)).entries(), Make<Maglev>(Names(7)).entries());
  // The first turn of each backend is its offset.
  const Maglev two = Make<Maglev>({"a", "b"});
  EXPECT_EQ(two.entries()[HashOfName("a", kMaglevOffsetSalt) % Maglev::kEntries], 0);
  EXPECT_EQ(two.entries()[HashOfName("b", kMaglevOffsetSalt) % Maglev::kEntries], 1);
}

TEST(MaglevTest, SharesAreWithinAHundredthOfTheWeights) {
  for (const auto& weights : {std::vector<uint32_t>(100, 1), MixedWeights(100)}) {
    const double deviation =
        LargestDeviation(EntriesOf(Make<Maglev>(Names(100), weights), 100), weights);
    std::printf("largest deviation of a share from its weight: %.3f %%\n", deviation * 100);
    EXPECT_LT(deviation, 0.01);
  }
  const std::vector<uint32_t> skewed = {1'000'000, 1, 1, 0};
  const std::vector<double> counts = EntriesOf(Make<Maglev>(Names(4), skewed), 4);
  EXPECT_EQ(counts[3], 0);
  EXPECT_GE(counts[1], 1);
  EXPECT_GT(counts[0], 65'000);
}

TEST(MaglevTest, HardlyAnyOtherClientMovesWhenBackendsGo) {
  for (const size_t gone : {0u, 1u, 50u, 99u}) {
    const double moved = MovedOfOthers<Maglev>(100, {gone});
    std::printf("1 of 100 gone: %.2f %% of the other clients move\n", moved * 100);
    EXPECT_LT(moved, 0.02);
  }
  // The last of them is heavier than any other: with it the order of all turns goes.
  for (const size_t gone : {0u, 52u, 99u, 7u}) {
    std::vector<uint32_t> weights = MixedWeights(100);
    if (gone == 7) weights[gone] = 7;
    const double moved = MovedOfOthers<Maglev>(weights, {gone});
    std::printf("1 of 100 gone, of weight %u where 3 is the mean: %.2f %% of the others move\n",
                weights[gone], moved * 100);
    EXPECT_LT(moved, 0.02);
  }
  const double ten = MovedOfOthers<Maglev>(1'000, {1, 101, 201, 301, 401, 501, 601, 701, 801, 901});
  std::printf("10 of 1000 gone: %.2f %% of the other clients move\n", ten * 100);
  EXPECT_LT(ten, 0.10);
}

TEST(MaglevTest, AnotherAttemptIsAnotherDrawOfTheSameShares) {
  const Maglev table = Make<Maglev>(Names(4));
  std::vector<double> counts(4, 0);
  for (uint64_t key = 0; key < kKeys; ++key) {
    if (BackendOf(table, key) == 0) ++counts[table.At(Mix(key), 1)];
  }
  EXPECT_LT(LargestDeviation(counts, {1, 1, 1, 1}), 0.05);
}

TEST(HashRingTest, NoOtherClientMovesWhenBackendsGo) {
  EXPECT_EQ(MovedOfOthers<HashRing>(100, {0}), 0);
  EXPECT_EQ(MovedOfOthers<HashRing>(100, {17, 50, 99}), 0);
  EXPECT_EQ(MovedOfOthers<HashRing>(2, {1}), 0);
}

TEST(HashRingTest, SharesFollowTheWeightsRoughly) {
  const std::vector<uint32_t> weights = {1, 2, 3, 4, 0};
  const HashRing ring = Make<HashRing>(Names(5), weights);
  std::vector<double> counts(5, 0);
  for (uint64_t key = 0; key < kKeys; ++key) ++counts[BackendOf(ring, key)];
  EXPECT_EQ(counts[4], 0);
  counts.pop_back();
  const double deviation = LargestDeviation(counts, {1, 2, 3, 4});
  std::printf("ring, largest deviation of a share from its weight: %.1f %%\n", deviation * 100);
  EXPECT_LT(deviation, 0.3);
}

TEST(HashRingTest, LargeWeightsKeepTheRingBounded) {
  const HashRing ring = Make<HashRing>(Names(3), {1'000'000, 500'000, 1});
  EXPECT_LE(ring.points(), HashRing::kMaxPoints + 3);
  std::vector<double> counts(3, 0);
  for (uint64_t key = 0; key < kKeys; ++key) ++counts[BackendOf(ring, key)];
  EXPECT_NEAR(counts[0] / static_cast<double>(kKeys), 2.0 / 3, 0.01);
}

TEST(HashRingTest, TheIndexFindsWhatASearchFinds) {
  const HashRing ring = Make<HashRing>(Names(3));
  // Walking once around from any place visits each point once and comes back.
  const size_t start = ring.Find(Mix(7));
  size_t place = start;
  for (size_t i = 0; i < ring.points(); ++i) place = ring.After(place);
  EXPECT_EQ(place, start);
  // Places do not go down as hashes go up, but for the last, which are the first again.
  size_t last = 0;
  for (uint64_t high = 0; high < 1'000; ++high) {
    const size_t found = ring.Find(high * (UINT64_MAX / 1'000));
    if (found == 0 && high > 500) break;
    EXPECT_GE(found, last);
    last = found;
  }
  EXPECT_GT(last, ring.points() * 9 / 10);
}

}  // namespace
}  // namespace lb::dataplane
