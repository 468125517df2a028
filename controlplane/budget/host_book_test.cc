#include "controlplane/budget/host_book.h"

#include <gtest/gtest.h>

#include <string>

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

class HostBookTest : public testing::Test {
 protected:
  HostBookTest() {
    for (const char* host : {"b", "c", "d", "e"}) book_.Joined(host);
  }
  void Hear(const std::string& hosts) {
    for (const char host : hosts) EXPECT_TRUE(book_.Heard(std::string(1, host), {2, 0.1}, now_));
  }
  double Side() const { return book_.Others(now_).side_ratio; }

  Instant now_{seconds(1'000)};
  HostBook book_{"a", now_};
};

TEST_F(HostBookTest, MoreThanHalfOfTheHostsHaveTheWholeLimit) {
  Hear("bc");
  EXPECT_EQ(Side(), 1);
  now_ += seconds(2);
  Hear("b");
  EXPECT_EQ(Side(), 0.4);
  now_ += seconds(2);
  EXPECT_EQ(Side(), 0.2);
}

TEST_F(HostBookTest, OfTwoHalvesTheOneWithTheFirstNameHas) {
  book_.Left("e");
  Hear("b");
  EXPECT_EQ(Side(), 1);
  HostBook other("d", now_);
  for (const char* host : {"a", "b", "c"}) other.Joined(host);
  other.Heard("c", {1, 0}, now_);
  EXPECT_EQ(other.Others(now_).side_ratio, 0.5);
}

TEST_F(HostBookTest, WhoLeftIsNotWaitedForAndWhoFailedIsForAWhile) {
  Hear("b");
  book_.Left("c");
  book_.Failed("d", now_);
  EXPECT_EQ(Side(), 1) << "two of four, with the first name";
  book_.Failed("b", now_);
  now_ += seconds(5);
  EXPECT_EQ(Side(), 0.25);
  EXPECT_LE(book_.NextChange(now_), now_ + seconds(55));
  now_ += seconds(60);
  Hear("e");
  EXPECT_EQ(Side(), 1);
  EXPECT_EQ(book_.expected(now_), 1u);
}

TEST_F(HostBookTest, WorkersOfTheOthersCountWhileTheirHostsAreHeard) {
  Hear("bc");
  EXPECT_EQ(book_.Others(now_).serving, 4);
  EXPECT_DOUBLE_EQ(book_.Others(now_).kept_ratio, 0.2);
  now_ += seconds(4);
  EXPECT_EQ(book_.Others(now_).serving, 0);
}

TEST_F(HostBookTest, AStrangersWordCountsForNothing) {
  EXPECT_FALSE(book_.Heard("x", {2, 0}, now_));
  EXPECT_EQ(book_.heard(now_), 0u);
}

TEST_F(HostBookTest, WhoBeginsAndFindsNobodyGoesByItsPeersForAWhile) {
  HostBook book("a", now_);
  book.SetSeeds(4);
  EXPECT_EQ(book.Others(now_).side_ratio, 0.2);
  EXPECT_EQ(book.NextChange(now_), now_ + seconds(60));
  EXPECT_EQ(book.Others(now_ + seconds(60)).side_ratio, 1);
}

TEST_F(HostBookTest, ASmallerSideMayHaveEverything) {
  HostBook::Settings settings;
  settings.minority_has_all = true;
  book_.SetSettings(settings);
  EXPECT_EQ(Side(), 1);
}

}  // namespace
}  // namespace lb::controlplane
