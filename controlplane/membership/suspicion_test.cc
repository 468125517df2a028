#include "controlplane/membership/suspicion.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace lb::controlplane::swim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart{seconds(1'000)};

// The figures of memberlist's own tests: three confirmations, from 30 s to 2 s.
TEST(SuspicionTest, EachNewVoiceLeavesLessTime) {
  Timing timing;
  timing.probe_interval = milliseconds(400);
  timing.suspicion_mult = 5;
  timing.suspicion_max_timeout_mult = 15;
  Suspicion suspicion(timing, 10, "a", kStart);
  EXPECT_EQ(suspicion.deadline() - kStart, seconds(30));
  EXPECT_FALSE(suspicion.Confirm("a")) << "who began it says nothing new";
  EXPECT_TRUE(suspicion.Confirm("b"));
  EXPECT_EQ(suspicion.deadline() - kStart, seconds(16));
  EXPECT_FALSE(suspicion.Confirm("b"));
  EXPECT_TRUE(suspicion.Confirm("c"));
  EXPECT_EQ(suspicion.deadline() - kStart, milliseconds(7'810));
  EXPECT_TRUE(suspicion.Confirm("d"));
  EXPECT_EQ(suspicion.deadline() - kStart, seconds(2));
  EXPECT_FALSE(suspicion.Confirm("e")) << "no more are needed";
}

TEST(SuspicionTest, AFewMembersHaveNobodyWhoCouldConfirm) {
  Suspicion suspicion(Timing(), 3, "a", kStart);
  EXPECT_EQ(suspicion.deadline() - kStart, seconds(4));
  EXPECT_FALSE(suspicion.Confirm("b"));
}

TEST(SuspicionTest, TimesGrowWithTheLogarithmOfTheMembers) {
  Timing timing;
  timing.suspicion_mult = 1;
  const std::vector<std::pair<size_t, int>> expected{
      {0, 1'000}, {5, 1'000}, {10, 1'000}, {50, 1'698}, {100, 2'000}, {500, 2'698}, {1'000, 3'000}};
  for (const auto& [members, ms] : expected)
    EXPECT_EQ(MinSuspicion(timing, members), milliseconds(ms)) << members;
}

TEST(SuspicionTest, UpdatesAreSentMoreOftenAmongMoreMembers) {
  EXPECT_EQ(RetransmitLimit(3, 0), 0u);
  EXPECT_EQ(RetransmitLimit(3, 1), 3u);
  EXPECT_EQ(RetransmitLimit(3, 99), 6u);
  EXPECT_EQ(RetransmitLimit(4, 1'000), 16u);
}

TEST(SuspicionTest, TablesAreExchangedMoreRarelyAmongMoreMembers) {
  const std::vector<std::pair<size_t, int>> expected{{0, 1},  {32, 1},  {33, 2},   {64, 2},
                                                     {65, 3}, {128, 3}, {1'000, 6}};
  for (const auto& [members, s] : expected)
    EXPECT_EQ(PushPullInterval(seconds(1), members), seconds(s)) << members;
}

}  // namespace
}  // namespace lb::controlplane::swim
