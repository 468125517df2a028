// Members that change keys together: who is asked, who answers, what is passed on.
#include "controlplane/membership/key_talk.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/serf_query.h"

namespace lb::controlplane::swim {
namespace {

using std::chrono::milliseconds;

const std::string kA(16, 'a');
const std::string kB(24, 'b');

// Three members, between whom messages are carried by hand.
class KeyTalkTest : public testing::Test {
 protected:
  struct One {
    explicit One(uint64_t seed) : talk(seed) { talk.keys().SetConfigured({kA}); }
    KeyTalk talk;
    std::vector<Tell> told;
    std::vector<ClusterAction> actions;
  };

  KeyTalkTest() {
    char last = 0;
    for (const char* name : {"a", "b", "c"}) {
      members_[name].node.name = name;
      members_[name].node.address = {std::string("\x0a\0\0", 3) + ++last, 7946};
      all_.emplace(name, static_cast<uint64_t>(last));
    }
  }

  template <typename Do>
  void At(const std::string& name, const Do& what) {
    One& one = all_.at(name);
    KeyTalk::Turn turn{now_,     name,       members_.at(name).node.address, label_, members_,
                       one.told, one.actions};
    what(one.talk, turn);
  }
  void Ask(const std::string& name, KeyVerb verb, const std::string& key) {
    At(name, [&](KeyTalk& talk, KeyTalk::Turn& turn) { talk.Ask(1, verb, key, turn); });
  }
  void Hear(const std::string& name, const std::string& message) {
    At(name, [&](KeyTalk& talk, KeyTalk::Turn& turn) { talk.Hear(message, turn); });
  }
  void Step(const std::string& name) {
    At(name, [&](KeyTalk& talk, KeyTalk::Turn& turn) { talk.Step(turn); });
  }

  // What was gossiped by one reaches another.
  void Carry(const std::string& from, const std::string& to) {
    for (const Tell& tell : all_.at(from).told) Hear(to, tell.payload);
  }
  // Answers go where they are sent.
  void CarryAnswers() {
    for (auto& [name, one] : all_) {
      for (const ClusterAction& action : std::exchange(one.actions, Kept(one.actions))) {
        const auto* packet = std::get_if<SendPacket>(&action);
        if (packet == nullptr) continue;
        Message message;
        EXPECT_EQ(Decode(packet->parts.at(0), message), WireError::kNone);
        for (const auto& [to, member] : members_)
          if (member.node.address == packet->to) Hear(to, std::get<User>(message).payload);
      }
    }
  }
  static std::vector<ClusterAction> Kept(const std::vector<ClusterAction>& actions) {
    std::vector<ClusterAction> kept;
    for (const ClusterAction& action : actions)
      if (!std::holds_alternative<SendPacket>(action)) kept.push_back(action);
    return kept;
  }
  template <typename T>
  std::vector<T> Done(const std::string& name) const {
    std::vector<T> found;
    for (const ClusterAction& action : all_.at(name).actions)
      if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
    return found;
  }
  const std::vector<std::string>& KeysOf(const std::string& name) const {
    return all_.at(name).talk.keys().keys();
  }

  Instant now_{std::chrono::hours(1)};
  const std::string label_;
  std::map<std::string, Member> members_;
  std::map<std::string, One> all_;
};

TEST_F(KeyTalkTest, AnOrderReachesAllAndEachAnswers) {
  Ask("a", KeyVerb::kAdd, kB);
  EXPECT_EQ(KeysOf("a"), (std::vector<std::string>{kA, kB})) << "at once here";
  Carry("a", "b");
  Carry("b", "c");
  EXPECT_EQ(KeysOf("c"), (std::vector<std::string>{kA, kB})) << "whoever sees it passes it on";
  EXPECT_EQ(Done<SetGossipKeys>("c").size(), 1u);
  EXPECT_EQ(Done<KeysOrdered>("c").at(0).by, "a");
  EXPECT_TRUE(Done<KeysAnswered>("a").empty());
  CarryAnswers();
  const auto done = Done<KeysAnswered>("a");
  ASSERT_EQ(done.size(), 1u);
  ASSERT_EQ(done[0].rows.size(), 3u);
  for (const KeysAnswered::Row& row : done[0].rows) {
    EXPECT_TRUE(row.answered && row.done) << row.member;
    EXPECT_EQ(row.keys, (std::vector<KeyMark>{MarkOf(kA), MarkOf(kB)}));
    EXPECT_EQ(row.primary, MarkOf(kA).fingerprint);
  }
}

TEST_F(KeyTalkTest, WhatWasSeenIsNeitherCarriedOutNorPassedOnAgain) {
  Ask("a", KeyVerb::kAdd, kB);
  Carry("a", "b");
  all_.at("b").talk.keys().SetConfigured({kA, std::string(16, 'x')});
  const size_t told = all_.at("b").told.size();
  Carry("a", "b");
  EXPECT_EQ(all_.at("b").told.size(), told);
  EXPECT_EQ(Done<SendPacket>("b").size(), 1u);
  Carry("b", "a");
  EXPECT_EQ(all_.at("a").told.size(), 1u) << "not its own question either";
}

TEST_F(KeyTalkTest, ARestartDoesNotTakeOldOrdersAgain) {
  Ask("a", KeyVerb::kAdd, kB);
  Carry("a", "b");
  KeyTalk after(9);
  after.keys().SetConfigured({kA});
  after.book().Restore(all_.at("b").talk.book().time());
  all_.at("b").talk = std::move(after);
  Carry("a", "b");
  EXPECT_EQ(KeysOf("b"), std::vector<std::string>{kA});
}

TEST_F(KeyTalkTest, WhoDoesNotAnswerIsAskedOnceMoreAndThenNamed) {
  Ask("a", KeyVerb::kAdd, kB);
  Carry("a", "b");
  CarryAnswers();
  now_ = all_.at("a").talk.NextDeadline();
  Step("a");
  EXPECT_EQ(all_.at("a").told.size(), 2u);
  EXPECT_TRUE(Done<KeysAnswered>("a").empty());
  now_ = all_.at("a").talk.NextDeadline();
  Step("a");
  EXPECT_EQ(all_.at("a").talk.NextDeadline(), Instant::max());
  const auto done = Done<KeysAnswered>("a");
  ASSERT_EQ(done.size(), 1u);
  EXPECT_TRUE(done[0].rows.at(1).answered);
  EXPECT_FALSE(done[0].rows.at(2).answered);
}

TEST_F(KeyTalkTest, AnAnswerThatWasLostIsGivenToTheSecondQuestion) {
  Ask("a", KeyVerb::kRemove, kB);
  Carry("a", "b");
  Carry("a", "c");
  all_.at("b").actions.clear();
  CarryAnswers();
  now_ += milliseconds(1'600);
  Step("a");
  Carry("a", "b");
  CarryAnswers();
  EXPECT_EQ(Done<KeysAnswered>("a").size(), 1u);
}

TEST_F(KeyTalkTest, ARefusalIsToldWithItsReason) {
  all_.at("b").talk.keys().SetConfigured({kB});
  Ask("a", KeyVerb::kRemove, kB);
  Carry("a", "b");
  Carry("a", "c");
  CarryAnswers();
  const auto row = Done<KeysAnswered>("a").at(0).rows.at(1);
  EXPECT_TRUE(row.answered);
  EXPECT_FALSE(row.done);
  EXPECT_NE(row.error.find("seals"), std::string::npos) << row.error;
  EXPECT_EQ(KeysOf("b"), std::vector<std::string>{kB});
}

TEST_F(KeyTalkTest, OnlyMembersAreAnswered) {
  SerfQuery query{.time = 5,
                  .id = 1,
                  .reply_to = {std::string("\xc0\0\2\1", 4), 53},
                  .from = "x",
                  .name = std::string(QueryNameOf(KeyVerb::kList)),
                  .payload = EncodeKeyRequest("")};
  Hear("a", EncodeQuery(query));
  EXPECT_TRUE(Done<SendPacket>("a").empty());
  EXPECT_EQ(all_.at("a").told.size(), 1u);
}

TEST_F(KeyTalkTest, OtherQuestionsArePassedOnAlone) {
  SerfQuery query{.time = 5,
                  .id = 1,
                  .reply_to = members_.at("b").node.address,
                  .from = "b",
                  .name = "deploy",
                  .payload = "now"};
  Hear("a", EncodeQuery(query));
  EXPECT_EQ(all_.at("a").told.size(), 1u);
  EXPECT_TRUE(all_.at("a").actions.empty());
  query.id = 2;
  query.pass_on = false;
  Hear("a", EncodeQuery(query));
  EXPECT_EQ(all_.at("a").told.size(), 1u);
}

TEST_F(KeyTalkTest, AClockThatIsBehindCatchesUp) {
  Hear("a", EncodeClocks({1, 900}));
  Ask("a", KeyVerb::kList, "");
  SerfQuery query;
  ASSERT_TRUE(DecodeQuery(all_.at("a").told.at(0).payload, query));
  EXPECT_EQ(query.time, 900u);
}

TEST_F(KeyTalkTest, WhoLeavesAnswersWhatWaits) {
  Ask("a", KeyVerb::kList, "");
  all_.at("a").talk.End(all_.at("a").actions);
  EXPECT_EQ(Done<KeysAnswered>("a").size(), 1u);
  EXPECT_EQ(all_.at("a").talk.NextDeadline(), Instant::max());
}

TEST(QueryBookTest, ForgetsWhatIsOldAndTakesItForSeen) {
  QueryBook book;
  EXPECT_TRUE(book.Take(1, 7));
  EXPECT_FALSE(book.Take(1, 7));
  EXPECT_TRUE(book.Take(1, 8)) << "two may ask at one time";
  for (uint64_t time = 2; time < 2 + QueryBook::kWindow; ++time) EXPECT_TRUE(book.Take(time, 1));
  EXPECT_FALSE(book.Take(1, 9));
  for (uint32_t id = 0; id < 2 * QueryBook::kMaxSeen; ++id) book.Take(600, id);
  EXPECT_FALSE(book.Take(600, 1));
  EXPECT_TRUE(book.Take(book.time(), 1));
}

TEST_F(KeyTalkTest, AQuestionOfATimeFarAheadKeepsNobodyFromAsking) {
  SerfQuery query{.time = kMaxSerfTime,
                  .id = 1,
                  .reply_to = members_["c"].node.address,
                  .from = "c",
                  .timeout_ns = 1'000'000'000,
                  .name = std::string(QueryNameOf(KeyVerb::kList)),
                  .payload = EncodeKeyRequest("")};
  Hear("a", EncodeQuery(query));
  EXPECT_TRUE(all_.at("a").told.empty()) << "nobody else hears of it";
  EXPECT_EQ(all_.at("a").talk.book().time(), 1u);
  Hear("a", EncodeClocks({.intents = 1, .queries = kMaxSerfTime}));
  EXPECT_EQ(all_.at("a").talk.book().time(), 1u);
  // The furthest that anybody follows leaves time for orders.
  query.time = kFarSerfTime + kMaxSerfStep;
  Hear("a", EncodeQuery(query));
  EXPECT_EQ(all_.at("a").talk.book().time(), query.time + 1);
  Carry("a", "b");
  all_.at("a").told.clear();
  Ask("a", KeyVerb::kAdd, kB);
  Carry("a", "b");
  EXPECT_EQ(KeysOf("b"), (std::vector<std::string>{kA, kB}));
}

TEST_F(KeyTalkTest, AStoredClockThatNobodyCanFollowIsNotTakenUp) {
  all_.at("a").talk.book().Restore(kMaxSerfTime);
  Ask("a", KeyVerb::kAdd, kB);
  Carry("a", "b");
  EXPECT_EQ(KeysOf("b"), (std::vector<std::string>{kA, kB}));
}

}  // namespace
}  // namespace lb::controlplane::swim
