#include "controlplane/budget/slot_rights.h"

#include <gtest/gtest.h>

namespace lb::controlplane {
namespace {

constexpr HostId kA = 1;
constexpr HostId kB = 2;
constexpr HostId kC = 3;

TEST(SlotRightsTest, WhatMovesIsNeitherMadeNorLost) {
  SlotRights rights;
  rights.Mint(kA, 100);
  rights.Give(kA, kB, 30);
  rights.Give(kB, kC, 10);
  EXPECT_EQ(rights.RightsOf(kA), 70);
  EXPECT_EQ(rights.RightsOf(kB), 20);
  EXPECT_EQ(rights.RightsOf(kC), 10);
  EXPECT_EQ(rights.total(), 100);
  rights.Unmint(kA, 50);
  EXPECT_EQ(rights.RightsOf(kA), 20);
  EXPECT_EQ(rights.total(), 50);
}

TEST(SlotRightsTest, RowsAreMergedInAnyOrderAnyNumberOfTimes) {
  SlotRights a;
  a.Mint(kA, 100);
  const SlotRow first = a.rows().at(kA);
  a.Give(kA, kB, 30);
  const SlotRow second = a.rows().at(kA);
  SlotRights b;
  EXPECT_TRUE(b.Merge(kA, second));
  EXPECT_FALSE(b.Merge(kA, first));
  EXPECT_FALSE(b.Merge(kA, second));
  EXPECT_EQ(b.RightsOf(kA), 70);
  EXPECT_EQ(b.RightsOf(kB), 30);
}

TEST(SlotRightsTest, APartOfARowIsMergedAsItIs) {
  SlotRights a;
  a.Mint(kA, 100);
  a.Give(kA, kB, 30);
  a.Give(kA, kC, 5);
  SlotRights b;
  SlotRow part;
  part.given[kC] = 5;
  b.Merge(kA, part);
  EXPECT_EQ(b.RightsOf(kA), -5) << "it has not said what it made yet";
  b.Merge(kA, a.rows().at(kA));
  EXPECT_EQ(b.rights(), a.rights());
}

TEST(SlotRightsTest, AllOfAHostIsTakenOnceAndWhatItOwedShows) {
  SlotRights rights;
  rights.Mint(kA, 50);
  rights.Mint(kB, 50);
  rights.Seize(kA, kB);
  rights.Seize(kA, kB);
  EXPECT_EQ(rights.RightsOf(kA), 100);
  EXPECT_EQ(rights.RightsOf(kB), 0);
  SlotRow late;  // It gave some away, and nobody had heard of it.
  late.minted = 50;
  late.given[kC] = 20;
  rights.Merge(kB, late);
  EXPECT_EQ(rights.RightsOf(kB), -20);
  EXPECT_EQ(rights.RightsOf(kC), 20);
  EXPECT_EQ(rights.total(), 100);
}

TEST(SlotRightsTest, ARowThatLacksSomethingIsBehind) {
  SlotRights rights;
  rights.Mint(kA, 50);
  rights.Give(kA, kB, 1);
  SlotRow row = rights.rows().at(kA);
  EXPECT_FALSE(rights.Exceeds(kA, row));
  row.minted = 60;
  EXPECT_FALSE(rights.Exceeds(kA, row));
  row.given.clear();
  EXPECT_TRUE(rights.Exceeds(kA, row));
  EXPECT_FALSE(rights.Exceeds(kC, {}));
}

TEST(SlotRightsTest, CountsAndHostsAreBounded) {
  SlotRights rights;
  rights.Mint(kA, ~uint64_t{0} / 2);
  EXPECT_EQ(rights.total(), static_cast<int64_t>(SlotRights::kMaxCount));
  SlotRow row;
  row.minted = 1;
  for (HostId host = 10; host < 5'000; ++host) rights.Merge(host, row);
  EXPECT_EQ(rights.rows().size(), SlotRights::kMaxHosts);
}

}  // namespace
}  // namespace lb::controlplane
