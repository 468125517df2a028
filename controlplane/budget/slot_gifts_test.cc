#include "controlplane/budget/slot_gifts.h"

#include <gtest/gtest.h>

#include <vector>

namespace lb::controlplane {
namespace {

using Gifts = std::vector<Gift>;

TEST(SlotGiftsTest, WhoHasTooMuchGivesToWhoLacks) {
  const std::vector<HostNeed> hosts{{1, 60, 10, 10}, {2, 20, 20, 50}, {3, 20, 5, 5}};
  EXPECT_EQ(PlanGifts(hosts, 2, 1), Gifts{});
  const Gifts from_first = PlanGifts(hosts, 1, 1);
  ASSERT_EQ(from_first.size(), 1u);
  EXPECT_EQ(from_first[0].to, 2u);
  EXPECT_GE(from_first[0].slots, 30u);
}

TEST(SlotGiftsTest, NothingMovesWhileNobodyLacksAny) {
  const std::vector<HostNeed> hosts{{1, 40, 10, 10}, {2, 30, 29, 29}, {3, 30, 5, 5}};
  for (HostId host = 1; host <= 3; ++host) EXPECT_EQ(PlanGifts(hosts, host, 1), Gifts{});
}

TEST(SlotGiftsTest, ASpareThatIsVeryUnevenMovesBeforeItIsNeeded) {
  const std::vector<HostNeed> hosts{{1, 100, 0, 0}, {2, 0, 0, 0}};
  EXPECT_EQ(PlanGifts(hosts, 1, 1), (Gifts{{2, 50}}));
}

TEST(SlotGiftsTest, BusyHostsHaveEvenParts) {
  const std::vector<HostNeed> hosts{{1, 80, 80, 200}, {2, 20, 20, 200}};
  EXPECT_EQ(PlanGifts(hosts, 1, 1), (Gifts{{2, 30}}));
}

TEST(SlotGiftsTest, SingleSlotsDoNotSwapBetweenBusyHosts) {
  const std::vector<HostNeed> hosts{{1, 51, 51, 200}, {2, 49, 49, 200}};
  EXPECT_EQ(PlanGifts(hosts, 1, 1), Gifts{});
}

TEST(SlotGiftsTest, ASingleSlotThatNobodyUsesIsGiven) {
  const std::vector<HostNeed> hosts{{1, 95, 95, 300}, {2, 2, 0, 0}, {3, 1, 0, 0}, {4, 1, 0, 0}};
  EXPECT_EQ(PlanGifts(hosts, 2, 1), (Gifts{{1, 1}}));
}

TEST(SlotGiftsTest, DebtsArePaidFirst) {
  const std::vector<HostNeed> hosts{{1, 60, 0, 0}, {2, 10, 10, 100}, {3, -20, 0, 0}};
  const Gifts gifts = PlanGifts(hosts, 1, 1);
  ASSERT_FALSE(gifts.empty());
  EXPECT_EQ(gifts[0].to, 3u);
  EXPECT_GE(gifts[0].slots, 20u);
}

TEST(SlotGiftsTest, SeveralGiversDoNotGiveTheSameTwice) {
  const std::vector<HostNeed> hosts{{1, 45, 0, 0}, {2, 45, 0, 0}, {3, 10, 10, 40}};
  uint64_t given = 0;
  for (const HostId giver : {1u, 2u})
    for (const Gift& gift : PlanGifts(hosts, giver, 1)) given += gift.slots;
  EXPECT_GE(given, 30u);
  EXPECT_LE(given, 60u);
}

TEST(SlotGiftsTest, AnIdleHostKeepsALittle) {
  EXPECT_EQ(LeastSlots(100, 5), 1u);
  EXPECT_EQ(LeastSlots(10'000, 5), 40u);
  EXPECT_EQ(LeastSlots(9, 5), 0u);
  const std::vector<HostNeed> hosts{{1, 50, 0, 0}, {2, 50, 50, 500}};
  EXPECT_EQ(PlanGifts(hosts, 1, 1), (Gifts{{2, 49}}));
}

}  // namespace
}  // namespace lb::controlplane
