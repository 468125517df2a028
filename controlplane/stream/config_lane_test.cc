#include "controlplane/stream/config_lane.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;
using worker::v1::Nack;

constexpr Instant kStart = Instant(std::chrono::hours(3));

Versions WithContent(const std::string& bytes) {
  Versions versions{type::v1::ConfigVersion()};
  versions.SetContent({bytes, std::string(32, bytes.empty() ? '0' : bytes[0])});
  return versions;
}

worker::v1::Ack AckOf(const type::v1::ConfigVersion& version) {
  worker::v1::Ack ack;
  *ack.mutable_version() = version;
  return ack;
}

Nack NackOf(const type::v1::ConfigVersion& version, Nack::Reason reason) {
  Nack nack;
  *nack.mutable_rejected() = version;
  nack.set_reason(reason);
  return nack;
}

TEST(ConfigLaneTest, SendsPartsOfABoundedSizeAndNothingTwice) {
  ConfigLane lane(std::nullopt);
  const Versions versions = WithContent(std::string(ConfigLane::kPartBytes + 1, 'a'));
  const auto parts = lane.Next(versions, kStart);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1].snapshot().offset(), ConfigLane::kPartBytes);
  EXPECT_EQ(parts[1].snapshot().data().size(), 1u);
  EXPECT_TRUE(lane.Next(versions, kStart).empty());
  EXPECT_TRUE(lane.Acked(AckOf(versions.current())).ok());
  EXPECT_TRUE(lane.Next(versions, kStart).empty());
}

TEST(ConfigLaneTest, SendsOnlyTheNumberWhenTheWorkerRunsTheContent) {
  const Versions versions = WithContent("a");
  type::v1::ConfigVersion running = versions.current();
  running.set_epoch(0);
  ConfigLane lane(running);
  const auto messages = lane.Next(versions, kStart);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].has_version());
}

TEST(ConfigLaneTest, TheNewestWaitsForTheAnswerToTheOneInFlight) {
  ConfigLane lane(std::nullopt);
  Versions versions = WithContent("a");
  const type::v1::ConfigVersion first = versions.current();
  lane.Next(versions, kStart);
  versions.SetContent({"b", std::string(32, 'b')});
  versions.SetContent({"c", std::string(32, 'c')});
  EXPECT_TRUE(lane.Next(versions, kStart).empty());
  EXPECT_TRUE(lane.Acked(AckOf(first)).ok());
  EXPECT_EQ(lane.Next(versions, kStart).at(0).snapshot().data(), "c");
}

TEST(ConfigLaneTest, WhatIsRefusedIsNotSentAgainUntilItChanges) {
  ConfigLane lane(std::nullopt);
  Versions versions = WithContent("a");
  lane.Next(versions, kStart);
  EXPECT_TRUE(lane.Nacked(NackOf(versions.current(), Nack::REASON_INVALID), kStart).ok());
  EXPECT_TRUE(lane.Next(versions, kStart + std::chrono::hours(1)).empty());
  versions.SetContent({"b", std::string(32, 'b')});
  EXPECT_FALSE(lane.Next(versions, kStart).empty());
}

TEST(ConfigLaneTest, AFailedBindIsRepeatedWithBackoff) {
  ConfigLane lane(std::nullopt);
  const Versions versions = WithContent("a");
  Instant now = kStart;
  for (const seconds wait : {seconds(1), seconds(2), seconds(4), seconds(5), seconds(5)}) {
    ASSERT_FALSE(lane.Next(versions, now).empty());
    ASSERT_TRUE(lane.Nacked(NackOf(versions.current(), Nack::REASON_BIND_FAILED), now).ok());
    EXPECT_EQ(lane.NextDeadline(), now + wait);
    EXPECT_TRUE(lane.Next(versions, now + wait - std::chrono::nanoseconds(1)).empty());
    now += wait;
  }
}

// What the lane does after the newest, "b", was refused, when workers ran "a" before.
class LastGoodTest : public testing::Test {
 protected:
  LastGoodTest() {
    good_ = versions_.current();
    versions_.Ran(good_);
    versions_.SetContent({"b", std::string(32, 'b')});
  }

  void Refuse(ConfigLane& lane, Instant now) {
    const auto sent = lane.Next(versions_, now);
    ASSERT_EQ(sent.at(0).snapshot().data(), "b");
    ASSERT_TRUE(lane.Nacked(NackOf(versions_.current(), Nack::REASON_BIND_FAILED), now).ok());
  }

  Versions versions_ = WithContent("a");
  type::v1::ConfigVersion good_;
};

TEST_F(LastGoodTest, AWorkerThatRunsNothingGetsItAndThenTheNewest) {
  ConfigLane lane(std::nullopt);
  Refuse(lane, kStart);
  EXPECT_EQ(lane.Next(versions_, kStart).at(0).snapshot().data(), "a");
  EXPECT_TRUE(lane.sends_last_good());
  EXPECT_TRUE(lane.Acked(AckOf(good_)).ok());
  EXPECT_TRUE(lane.refused()) << "what is newest is still refused";
  EXPECT_TRUE(lane.Next(versions_, kStart).empty());
  Refuse(lane, lane.NextDeadline());
  EXPECT_TRUE(lane.Next(versions_, kStart).empty()) << "it runs something";
  EXPECT_EQ(lane.Next(versions_, lane.NextDeadline()).at(0).snapshot().data(), "b");
  EXPECT_TRUE(lane.Acked(AckOf(versions_.current())).ok());
  EXPECT_FALSE(lane.refused());
  EXPECT_TRUE(lane.Runs(versions_.current()));
}

TEST_F(LastGoodTest, OneThatRunsSomethingKeepsIt) {
  type::v1::ConfigVersion running = good_;
  running.set_digest(std::string(32, 'c'));
  ConfigLane lane(running);
  Refuse(lane, kStart);
  EXPECT_TRUE(lane.Next(versions_, kStart).empty());
}

TEST_F(LastGoodTest, OneThatRefusesItTooIsOfferedItAgainAfterTheNewest) {
  ConfigLane lane(std::nullopt);
  Refuse(lane, kStart);
  ASSERT_FALSE(lane.Next(versions_, kStart).empty());
  ASSERT_TRUE(lane.Nacked(NackOf(good_, Nack::REASON_BIND_FAILED), kStart).ok());
  EXPECT_TRUE(lane.Next(versions_, kStart).empty());
  EXPECT_EQ(lane.refused()->rejected().digest(), versions_.current().digest());
  const Instant later = lane.NextDeadline();
  Refuse(lane, later);
  EXPECT_EQ(lane.Next(versions_, later).at(0).snapshot().data(), "a");
}

TEST(ConfigLaneTest, AnAnswerToNothingIsRefused) {
  ConfigLane lane(std::nullopt);
  const Versions versions = WithContent("a");
  EXPECT_FALSE(lane.Acked(AckOf(versions.current())).ok());
  EXPECT_FALSE(lane.Nacked(NackOf(versions.current(), Nack::REASON_INVALID), kStart).ok());
}

TEST(ConfigLaneTest, WhatIsKeptOfARefusalIsBounded) {
  ConfigLane lane(std::nullopt);
  const Versions versions = WithContent("a");
  lane.Next(versions, kStart);
  Nack nack = NackOf(versions.current(), Nack::REASON_INVALID);
  std::string text(ConfigLane::kMaxProblemBytes - 1, 'x');
  text += "\xC3\xA4";  // Two bytes of one character, one on each side of the bound.
  for (int i = 0; i < 100; ++i) nack.add_problems()->set_message(text);
  ASSERT_TRUE(lane.Nacked(nack, kStart).ok());
  ASSERT_EQ(lane.refused()->problems_size(), ConfigLane::kMaxProblems);
  EXPECT_EQ(lane.refused()->problems(0).message(),
            std::string(ConfigLane::kMaxProblemBytes - 1, 'x'));
}

}  // namespace
}  // namespace lb::controlplane
