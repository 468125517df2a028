#include "dataplane/limit/slots.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

TEST(SlotsTest, WithoutAGrantThereIsNone) {
  Slots slots;
  EXPECT_FALSE(slots.TryTake());
}

TEST(SlotsTest, ACutTakesNothingAwayButGivesNothingNew) {
  Slots slots;
  slots.Grant(2);
  ASSERT_TRUE(slots.TryTake());
  ASSERT_TRUE(slots.TryTake());
  slots.Grant(1);
  EXPECT_EQ(slots.held(), 2u);
  slots.Return();
  EXPECT_FALSE(slots.TryTake());
  slots.Return();
  EXPECT_TRUE(slots.TryTake());
}

TEST(SlotsTest, WantedIsThePeakPlusTheRefusalsOfThePeriod) {
  Slots slots;
  slots.Grant(2);
  ASSERT_TRUE(slots.TryTake());
  ASSERT_TRUE(slots.TryTake());
  ASSERT_FALSE(slots.TryTake());
  slots.Return();
  EXPECT_EQ(slots.TakeWanted(), 3u);
  EXPECT_EQ(slots.TakeWanted(), 1u);
}

TEST(SlotsDeathTest, GivingBackWhatWasNotTakenIsAnInvariantBroken) {
  Slots slots;
  EXPECT_DEATH(slots.Return(), "invariant broken");
}

// Goal: the grant is never passed and always reached, whatever the interleaving. Method: eight
// threads take and return; each counts what is out besides, by a counter raised after taking and
// lowered before returning, which therefore never exceeds the truth.
TEST(SlotsTest, ManyThreadsNeverPassTheGrant) {
  constexpr uint64_t kGrant = 5;
  constexpr int kThreads = 8;
  constexpr int kRounds = 20'000;
  Slots slots;
  slots.Grant(kGrant);
  std::atomic<uint64_t> out{0};
  std::atomic<uint64_t> most{0};
  std::atomic<uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        if (!slots.TryTake()) continue;
        taken.fetch_add(1);
        const uint64_t now = out.fetch_add(1) + 1;
        uint64_t seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        out.fetch_sub(1);
        slots.Return();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), kGrant);
  EXPECT_GT(taken.load(), 0u);
  EXPECT_EQ(slots.held(), 0u);
  EXPECT_LE(slots.TakeWanted(), kThreads * kRounds + kGrant);
  for (uint64_t i = 0; i < kGrant; ++i) EXPECT_TRUE(slots.TryTake());
  EXPECT_FALSE(slots.TryTake());
}

}  // namespace
}  // namespace lb::dataplane
