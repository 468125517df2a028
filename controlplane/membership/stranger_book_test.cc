// Who speaks with another key or label is named, and a flood of addresses is bounded.
#include "controlplane/membership/stranger_book.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::string Ip(int third, int last) {
  return {'\x0a', '\0', static_cast<char>(third), static_cast<char>(last)};
}

class StrangerBookTest : public testing::Test {
 protected:
  void Note(const std::string& ip, WireError why, uint64_t packets) {
    book_.Note({{ip, why, packets}}, peers_, now_);
  }

  // How often there is news while time goes by.
  int RunFor(Duration time, const std::function<void()>& each) {
    int news = 0;
    for (const Instant end = now_ + time; now_ < end; now_ += seconds(1)) {
      each();
      if (book_.TakeNews(now_)) ++news;
    }
    return news;
  }

  Instant now_{std::chrono::hours(1)};
  std::set<std::string> peers_;
  StrangerBook book_;
};

TEST_F(StrangerBookTest, EachWayIsNamed) {
  Note(Ip(0, 1), WireError::kKey, 37);
  Note(Ip(0, 2), WireError::kPlaintext, 3);
  Note(Ip(0, 3), WireError::kLabel, 2);
  Note(Ip(0, 4), WireError::kSealed, 1);
  const StrangerBook::Strangers strangers = book_.Look(now_);
  ASSERT_EQ(strangers.rows.size(), 4u);
  EXPECT_EQ(Describe(strangers.rows[0]),
            "10.0.0.1 seals with another key (37 packets in the last minute)");
  EXPECT_EQ(Describe(strangers.rows[1]),
            "10.0.0.2 speaks without a key (3 packets in the last minute)");
  EXPECT_EQ(Describe(strangers.rows[2]),
            "10.0.0.3 has another label, or none (2 packets in the last minute)");
  EXPECT_EQ(Describe(strangers.rows[3]),
            "10.0.0.4 seals with a key, and this host has none (1 packet in the last minute)");
}

TEST_F(StrangerBookTest, WhoIsSilentForAMinuteIsNotShown) {
  Note(Ip(0, 1), WireError::kKey, 5);
  now_ += seconds(40);
  Note(Ip(0, 1), WireError::kKey, 2);
  EXPECT_EQ(book_.Look(now_).rows.at(0).packets, 7u);
  now_ += seconds(30);
  EXPECT_EQ(book_.Look(now_).rows.at(0).packets, 2u);
  now_ += seconds(40);
  EXPECT_TRUE(book_.Look(now_).rows.empty());
}

TEST_F(StrangerBookTest, OneAddressIsToldAgainOnlyAfterAWhile) {
  const auto speak = [&] { Note(Ip(0, 1), WireError::kKey, 1); };
  EXPECT_EQ(RunFor(minutes(9), speak), 1);
  EXPECT_EQ(RunFor(minutes(3), speak), 1);
  EXPECT_EQ(RunFor(minutes(2), [&] { Note(Ip(0, 1), WireError::kLabel, 1); }), 1)
      << "it is another mistake now";
}

TEST_F(StrangerBookTest, NewsComeByThemselvesAndNameAFew) {
  for (int i = 1; i <= 6; ++i) Note(Ip(0, i), WireError::kKey, 1);
  EXPECT_FALSE(book_.TakeNews(now_));
  now_ = book_.NextDeadline();
  const std::string text = book_.TakeNews(now_).value();
  EXPECT_NE(text.find("10.0.0.4 seals"), std::string::npos) << text;
  EXPECT_NE(text.find("; and 2 other addresses"), std::string::npos) << text;
  EXPECT_EQ(book_.NextDeadline(), Instant::max());
}

TEST_F(StrangerBookTest, AFloodOfAddressesIsBoundedAndAPeerIsSeenInIt) {
  peers_.insert(Ip(9, 9));
  int next = 0;
  const int news = RunFor(seconds(590), [&] {
    for (int i = 0; i < 50; ++i, ++next) Note(Ip(next / 250 % 250, next % 250), WireError::kKey, 1);
  });
  EXPECT_LE(news, 10);
  EXPECT_EQ(book_.Look(now_).rows.size(), StrangerBook::kMaxAddresses);
  EXPECT_GT(book_.Look(now_).others, 0u);
  Note(Ip(9, 9), WireError::kLabel, 1'000);
  EXPECT_EQ(book_.Look(now_).rows.size(), StrangerBook::kMaxAddresses);
  EXPECT_EQ(book_.Look(now_).rows.at(0).address, "10.0.9.9");
}

TEST_F(StrangerBookTest, WhoIsAMemberIsNoStranger) {
  Note(Ip(0, 1), WireError::kKey, 5);
  Note(Ip(0, 2), WireError::kKey, 5);
  book_.Forgive(Ip(0, 1));
  ASSERT_EQ(book_.Look(now_).rows.size(), 1u);
  EXPECT_EQ(book_.Look(now_).rows.at(0).address, "10.0.0.2");
}

TEST_F(StrangerBookTest, AfterAnotherConfigurationNobodyIsStrange) {
  Note(Ip(0, 1), WireError::kKey, 5);
  book_.Clear();
  EXPECT_TRUE(book_.Look(now_).rows.empty());
  EXPECT_EQ(book_.NextDeadline(), Instant::max());
}

}  // namespace
}  // namespace lb::controlplane::swim
