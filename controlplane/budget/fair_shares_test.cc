#include "controlplane/budget/fair_shares.h"

#include <numeric>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

TEST(FairSharesTest, DividesByDemandAndWhatIsLeftEqually) {
  struct Case {
    uint64_t slots;
    std::vector<uint64_t> demands;
    std::vector<uint64_t> shares;
  };
  for (const Case& c : std::vector<Case>{
           {50, {0}, {50}},
           {50, {1'000, 1'000}, {25, 25}},
           {50, {0, 1'000}, {0, 50}},
           {2, {0, 2}, {0, 2}},
           {2, {0, 1}, {1, 1}},
           {4, {1, 0, 0, 0}, {1, 1, 1, 1}},
           {4, {3, 0, 0, 0}, {3, 0, 0, 1}},
           {1, {0, 0}, {0, 1}},
           {1, {9, 1}, {0, 1}},
           {2, {1, 9, 9, 1}, {0, 0, 1, 1}},
           {50, {0, 0}, {25, 25}},
           {50, {40, 0}, {45, 5}},
           {100, {10, 1'000, 1'000}, {10, 45, 45}},
           {2, {5, 5, 5}, {0, 1, 1}},
           {0, {5, 5}, {0, 0}},
           {50, {}, {}},
       })
    EXPECT_EQ(FairShares(c.slots, c.demands), c.shares);
}

TEST(FairSharesTest, AlwaysSumsToTheSlots) {
  for (uint64_t slots = 1; slots < 200; ++slots) {
    const std::vector<uint64_t> shares = FairShares(slots, {0, slots, 3, 1'000});
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), uint64_t{0}), slots);
  }
}

TEST(FairSharesTest, EachWorkerCanStartWhileThereIsOneLeftForIt) {
  for (uint64_t slots = 4; slots < 200; slots += 7)
    for (const uint64_t share : FairShares(slots, {0, slots - 3, 0, 0})) EXPECT_GE(share, 1u);
}

}  // namespace
}  // namespace lb::controlplane
