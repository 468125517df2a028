#include "controlplane/budget/slot_roster.h"

#include <gtest/gtest.h>

namespace lb::controlplane {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class SlotRosterTest : public testing::Test {
 protected:
  void Hear(const std::string& host) {
    roster_.Joined(host);
    EXPECT_TRUE(roster_.Heard(host, now_));
  }

  Instant now_{std::chrono::hours(1)};
  SlotRoster roster_{"b", now_};
};

TEST_F(SlotRosterTest, AHostAloneIsAll) {
  EXPECT_TRUE(roster_.Look(now_).whole());
  EXPECT_TRUE(roster_.Look(now_).majority);
}

TEST_F(SlotRosterTest, HostsOfTheConfigurationAreExpectedForAWhile) {
  roster_.SetSeeds(4);
  EXPECT_EQ(roster_.Look(now_).expected, 5u);
  EXPECT_FALSE(roster_.Look(now_).majority);
  now_ += minutes(10);
  EXPECT_TRUE(roster_.Look(now_).whole());
}

TEST_F(SlotRosterTest, WhoIsSilentIsExpectedAndNotHeard) {
  Hear("a");
  Hear("c");
  now_ += seconds(2);
  Hear("c");
  now_ += seconds(1);
  const SlotRoster::Side side = roster_.Look(now_);
  EXPECT_EQ(side.hosts, (std::vector<HostId>{IdOfHost("b"), IdOfHost("c")}));
  EXPECT_EQ(side.known.size(), 3u);
  EXPECT_TRUE(side.majority);
}

TEST_F(SlotRosterTest, OfTwoHalvesTheOneWithTheFirstNameDecides) {
  roster_.Joined("c");
  EXPECT_TRUE(roster_.Look(now_).majority);
  SlotRoster other("c", now_);
  other.Joined("b");
  EXPECT_FALSE(other.Look(now_).majority);
}

TEST_F(SlotRosterTest, OneThatFailedIsDroppedByMoreThanHalf) {
  Hear("a");
  roster_.Joined("c");
  roster_.Failed("c", now_);
  now_ += minutes(10);
  Hear("a");
  EXPECT_FALSE(roster_.IsGone(IdOfHost("c"), now_));
  roster_.Drop(now_);
  EXPECT_TRUE(roster_.IsGone(IdOfHost("c"), now_));
  EXPECT_EQ(roster_.Look(now_).expected, 2u);
}

TEST_F(SlotRosterTest, AMinorityDropsNobody) {
  for (const char* host : {"a", "c", "d"}) {
    roster_.Joined(host);
    roster_.Failed(host, now_);
  }
  now_ += std::chrono::hours(5);
  roster_.Drop(now_);
  EXPECT_FALSE(roster_.IsGone(IdOfHost("a"), now_));
  EXPECT_EQ(roster_.Look(now_).expected, 4u);
}

TEST_F(SlotRosterTest, WhoLeftIsNotExpectedButKeepsWhatItHasForAWhile) {
  roster_.Joined("c");
  roster_.Left("c", now_);
  EXPECT_TRUE(roster_.Look(now_).whole());
  EXPECT_FALSE(roster_.IsGone(IdOfHost("c"), now_));
  EXPECT_TRUE(roster_.IsGone(IdOfHost("c"), now_ + minutes(10)));
  roster_.Joined("c");
  EXPECT_FALSE(roster_.IsGone(IdOfHost("c"), now_ + minutes(10)));
}

TEST_F(SlotRosterTest, WhoIsForgottenIsGoneAtOnce) {
  Hear("c");
  roster_.Forget("c");
  EXPECT_TRUE(roster_.IsGone(IdOfHost("c"), now_));
  EXPECT_TRUE(roster_.Look(now_).whole());
  EXPECT_FALSE(roster_.Heard("c", now_));
}

TEST_F(SlotRosterTest, WhoLeftByOrderDecidesNothing) {
  roster_.SetSettings({.away = true});
  roster_.Joined("c");
  EXPECT_FALSE(roster_.Look(now_).majority);
}

TEST_F(SlotRosterTest, HostsFromBeforeARestartAreExpected) {
  for (const char* host : {"a", "b", "c", "d"}) roster_.Restore(host, now_);
  EXPECT_EQ(roster_.Look(now_).expected, 4u);
  EXPECT_FALSE(roster_.Look(now_).majority);
  Hear("a");
  Hear("c");
  EXPECT_TRUE(roster_.Look(now_).majority);
  EXPECT_EQ(roster_.Names().size(), 3u);
}

TEST_F(SlotRosterTest, AnotherProcessOfAHostIsNotHeardYet) {
  Hear("c");
  roster_.Reborn("c");
  EXPECT_EQ(roster_.Look(now_).hosts.size(), 1u);
}

TEST_F(SlotRosterTest, AStrangerIsNotHeard) { EXPECT_FALSE(roster_.Heard("x", now_)); }

}  // namespace
}  // namespace lb::controlplane
