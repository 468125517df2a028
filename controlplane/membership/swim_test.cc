// What a member does about what others say; what many of them do together is in tests/sim.
#include "controlplane/membership/swim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/rumors.h"

namespace lb::controlplane::swim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = MemberNotice::Kind;
using testing::ElementsAre;
using testing::IsEmpty;

const Address kSelf{{'\x0a', '\0', '\0', '\1'}, 7'946};
const Address kOther{{'\x0a', '\0', '\0', '\2'}, 7'946};
const Address kThird{{'\x0a', '\0', '\0', '\3'}, 7'946};
const Address kStranger{{'\xc0', '\0', '\2', '\1'}, 53};

class SwimTest : public testing::Test {
 protected:
  void Handle(const Event& event) {
    actions_.clear();
    swim_.Handle(event, now_, actions_);
  }
  void Hear(const Message& message, const Address& from = kOther) {
    Handle(PacketIn{from, {Encode(message)}});
  }
  void HearAlive(const std::string& name, const Address& address, uint32_t incarnation = 1,
                 const std::string& meta = "") {
    Hear(Alive{incarnation, name, address, meta, Versions{}});
  }
  // Runs the timers of so much time; the actions of all.
  void RunFor(Duration time) {
    std::vector<Action> all;
    const Instant end = now_ + time;
    while (swim_.NextDeadline() <= end) {
      now_ = std::max(now_, swim_.NextDeadline());
      Handle(TimerFired{});
      for (Action& action : actions_) all.push_back(std::move(action));
    }
    now_ = end;
    actions_ = std::move(all);
  }

  // What was sent last, message by message.
  std::vector<Message> Sent(const Address& to) const {
    std::vector<Message> messages;
    for (const Action& action : actions_) {
      const auto* const packet = std::get_if<SendPacket>(&action);
      if (packet == nullptr || packet->to != to) continue;
      for (const std::string& part : packet->parts)
        EXPECT_EQ(Decode(part, messages.emplace_back()), WireError::kNone);
    }
    return messages;
  }
  template <typename T>
  std::vector<T> SentOf(const Address& to) const {
    std::vector<T> found;
    for (const Message& message : Sent(to))
      if (const T* one = std::get_if<T>(&message)) found.push_back(*one);
    return found;
  }
  std::vector<Kind> Notices() const {
    std::vector<Kind> kinds;
    for (const Action& action : actions_)
      if (const auto* notice = std::get_if<MemberNotice>(&action)) kinds.push_back(notice->kind);
    return kinds;
  }
  State StateOf(const std::string& name) const { return swim_.members().at(name).node.state; }
  uint32_t Incarnation() const { return swim_.members().at("self").node.incarnation; }

  static Options SelfOptions() {
    Options options;
    options.name = "self";
    options.address = kSelf;
    return options;
  }

  Instant now_{seconds(1'000)};
  Swim swim_{SelfOptions(), 7, now_};
  std::vector<Action> actions_;
};

TEST_F(SwimTest, WhoSaysThatItLivesIsAMemberAndIsPassedOn) {
  HearAlive("other", kOther, 3, "tags");
  EXPECT_THAT(Notices(), ElementsAre(Kind::kJoined));
  EXPECT_EQ(StateOf("other"), State::kAlive);
  EXPECT_EQ(swim_.members().at("other").node.meta, "tags");
  HearAlive("third", kThird);
  RunFor(milliseconds(200));
  EXPECT_THAT(SentOf<Alive>(kThird), testing::Contains(testing::Field(&Alive::node, "other")));
}

TEST_F(SwimTest, OfOneIncarnationDeadGoesBeforeSuspectBeforeAlive) {
  HearAlive("other", kOther, 5);
  Hear(Suspect{5, "other", "third"});
  EXPECT_EQ(StateOf("other"), State::kSuspect);
  HearAlive("other", kOther, 5);
  EXPECT_EQ(StateOf("other"), State::kSuspect);
  HearAlive("other", kOther, 6);
  EXPECT_EQ(StateOf("other"), State::kAlive);
  Hear(Suspect{5, "other", "third"});
  EXPECT_EQ(StateOf("other"), State::kAlive) << "of an older one";
  Hear(Dead{6, "other", "third"});
  EXPECT_THAT(Notices(), ElementsAre(Kind::kFailed));
  Hear(Suspect{6, "other", "third"});
  HearAlive("other", kOther, 6);
  EXPECT_EQ(StateOf("other"), State::kDead);
  HearAlive("other", kOther, 7);
  EXPECT_THAT(Notices(), ElementsAre(Kind::kJoined));
}

TEST_F(SwimTest, WhoSaysOfItselfThatItIsDeadLeaves) {
  HearAlive("other", kOther);
  Hear(Dead{1, "other", "other"});
  EXPECT_THAT(Notices(), ElementsAre(Kind::kLeft));
  EXPECT_EQ(StateOf("other"), State::kLeft);
}

TEST_F(SwimTest, WhoeverIsSuspectedRefutesWithAHigherIncarnation) {
  HearAlive("other", kOther);
  Hear(Suspect{1, "self", "other"});
  EXPECT_EQ(Incarnation(), 2u);
  EXPECT_EQ(swim_.awareness(), 1) << "it may be slow";
  Hear(Suspect{1'000, "self", "other"});
  EXPECT_EQ(Incarnation(), 1'001u);
  Hear(Dead{1'001, "self", "other"});
  EXPECT_EQ(Incarnation(), 1'002u);
  Hear(Suspect{1'001, "self", "other"});
  EXPECT_EQ(Incarnation(), 1'002u) << "that was answered";
  RunFor(milliseconds(200));
  EXPECT_THAT(SentOf<Alive>(kOther), testing::Contains(testing::Field(&Alive::incarnation, 1'002)));
}

TEST_F(SwimTest, AnIncarnationThatHasNoNextIsMalformed) {
  HearAlive("other", kOther);
  Hear(Suspect{UINT32_MAX, "self", "other"});
  EXPECT_EQ(Incarnation(), 1u);
  Hear(Dead{UINT32_MAX, "other", "third"});
  EXPECT_EQ(StateOf("other"), State::kAlive);
  HearAlive("other", kOther, UINT32_MAX);
  EXPECT_EQ(swim_.members().at("other").node.incarnation, 1u);
}

TEST_F(SwimTest, NoMessageAloneDrivesAnIncarnationToItsEnd) {
  HearAlive("other", kOther);
  for (const uint32_t far : {Rumors::kMaxIncarnation - 1, Rumors::kFarIncarnation}) {
    Hear(Suspect{far, "self", "other"});
    Hear(Dead{far, "self", "other"});
    EXPECT_EQ(Incarnation(), 1u) << far;
    Hear(Suspect{far, "other", "third"});
    Hear(Dead{far, "other", "third"});
    EXPECT_EQ(StateOf("other"), State::kAlive) << far;
  }
  HearAlive("self", kSelf, Rumors::kMaxIncarnation - 1);
  EXPECT_EQ(Incarnation(), 1u);
  HearAlive("other", kOther, Rumors::kMaxIncarnation - 1);
  EXPECT_EQ(swim_.members().at("other").node.incarnation, 1u);
}

TEST_F(SwimTest, WhoWasDrivenFarCanStillBeAccusedAndRefute) {
  const uint32_t far = Rumors::kFarIncarnation;
  HearAlive("other", kOther);
  Hear(Suspect{far - 1, "self", "other"});
  EXPECT_EQ(Incarnation(), far);
  Hear(Suspect{far, "self", "other"});
  EXPECT_EQ(Incarnation(), far + 1);
  HearAlive("other", kOther, far);
  Hear(Suspect{far, "other", "third"});
  EXPECT_EQ(StateOf("other"), State::kSuspect);
  HearAlive("other", kOther, far + 1);
  EXPECT_EQ(StateOf("other"), State::kAlive);
}

TEST_F(SwimTest, AMemberThatStartsAgainTakesUpItsOldIncarnation) {
  Handle(StreamIn{1, PushPull{false, {{"self", kSelf, 8, State::kAlive, "", Versions{}}}}});
  EXPECT_EQ(Incarnation(), 9u);
}

TEST_F(SwimTest, AnotherOneOfTheSameNameIsAConflictUntilTheOldOneIsLongDead) {
  HearAlive("other", kOther);
  HearAlive("other", kThird, 9);
  EXPECT_THAT(Notices(), ElementsAre(Kind::kConflict));
  EXPECT_EQ(swim_.members().at("other").node.address, kOther);
  const Address mapped{std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2", 16), 7'946};
  HearAlive("other", mapped, 9);
  EXPECT_THAT(Notices(), IsEmpty()) << "the same place";
  Hear(Dead{9, "other", "third"});
  HearAlive("other", kThird, 10);
  EXPECT_THAT(Notices(), ElementsAre(Kind::kConflict));
  now_ += seconds(31);
  HearAlive("other", kThird, 1);
  EXPECT_EQ(StateOf("other"), State::kAlive);
}

TEST_F(SwimTest, WhoWouldKeepOthersFromMergingIsNotTaken) {
  Hear(Alive{1, "old", kOther, "", std::nullopt});
  Versions versions;
  versions.delegate = 4;
  versions.delegate_max = 5;
  Hear(Alive{1, "stranger", kOther, "", versions});
  EXPECT_EQ(swim_.members().size(), 1u);
  EXPECT_EQ(swim_.counters().refused, 2u);
}

TEST_F(SwimTest, AnAckGoesToTheMemberAndNotToWhoeverItNames) {
  HearAlive("other", kOther);
  Hear(Ping{7, "self", kOther, "other"}, kThird);
  EXPECT_THAT(SentOf<Ack>(kOther), ElementsAre(Ack{7}));
  Hear(Ping{8, "self", kStranger, "other"}, kThird);
  EXPECT_THAT(SentOf<Ack>(kThird), ElementsAre(Ack{8}));
  EXPECT_THAT(Sent(kStranger), IsEmpty());
  Hear(Ping{9, "somebody", kOther, "other"});
  EXPECT_THAT(SentOf<Ack>(kOther), IsEmpty()) << "it is not for this one";
}

TEST_F(SwimTest, AStrangerGetsABareAnswerAndTakesNothingFromWhatIsPassedOn) {
  HearAlive("other", kOther);
  for (uint32_t i = 0; i < 100; ++i) {
    Hear(Ping{i, "self", kStranger, "nobody"}, kStranger);
    EXPECT_THAT(Sent(kStranger), ElementsAre(Message(Ack{i})));
    Hear(Ping{i, "self", kSelf, "self"}, kStranger);
    EXPECT_THAT(Sent(kStranger), ElementsAre(Message(Ack{i}))) << "in the name of this one";
    Hear(IndirectPing{i, "other", kOther, true, kStranger, "nobody"}, kStranger);
    const std::vector<Ping> pings = SentOf<Ping>(kOther);
    ASSERT_EQ(pings.size(), 1u);
    Hear(Ack{pings[0].seq_no}, kOther);
    EXPECT_THAT(Sent(kStranger), ElementsAre(Message(Ack{i})));
  }
}

TEST_F(SwimTest, AMembersAckBringsWhatIsPassedOn) {
  HearAlive("other", kOther);
  HearAlive("third", kThird);
  for (uint32_t i = 0; i < 100; ++i) Hear(Ping{i, "self", kStranger, "nobody"}, kStranger);
  Hear(Ping{7, "self", kOther, "other"});
  EXPECT_THAT(SentOf<Alive>(kOther), testing::Contains(testing::Field(&Alive::node, "third")));
}

TEST_F(SwimTest, OnlyMembersAreAskedForOthers) {
  HearAlive("other", kOther);
  HearAlive("third", kThird);
  Hear(IndirectPing{5, "third", kStranger, true, kOther, "other"});
  EXPECT_THAT(Sent(kStranger), IsEmpty());
  Hear(IndirectPing{5, "third", kThird, true, kOther, "other"});
  const std::vector<Ping> pings = SentOf<Ping>(kThird);
  ASSERT_EQ(pings.size(), 1u);
  Hear(Ack{pings[0].seq_no}, kThird);
  EXPECT_THAT(SentOf<Ack>(kOther), ElementsAre(Ack{5}));
}

TEST_F(SwimTest, ARelayWithoutAnAnswerSaysSoBeforeTheAskerGivesUp) {
  HearAlive("other", kOther);
  HearAlive("third", kThird);
  Hear(IndirectPing{5, "third", kThird, true, kOther, "other"});
  RunFor(milliseconds(399));
  EXPECT_THAT(SentOf<Nack>(kOther), IsEmpty());
  RunFor(milliseconds(1));
  EXPECT_THAT(SentOf<Nack>(kOther), ElementsAre(Nack{5}));
}

TEST_F(SwimTest, WhoDoesNotAnswerIsAskedThroughOthersAndByTcpThenSuspectedThenDead) {
  HearAlive("other", kOther);
  RunFor(seconds(1));
  ASSERT_FALSE(SentOf<Ping>(kOther).empty());
  RunFor(milliseconds(501));
  size_t by_tcp = 0;
  for (const Action& action : actions_)
    if (const auto* call = std::get_if<StartExchange>(&action))
      by_tcp += std::holds_alternative<Ping>(call->message) ? 1 : 0;
  EXPECT_EQ(by_tcp, 1u);
  RunFor(seconds(1));
  EXPECT_EQ(StateOf("other"), State::kSuspect);
  RunFor(seconds(5));
  EXPECT_EQ(StateOf("other"), State::kDead);
}

TEST_F(SwimTest, WhoWasHeldUpItselfAccusesNobody) {
  HearAlive("other", kOther);
  RunFor(seconds(1));
  now_ += seconds(20);
  Handle(TimerFired{});
  EXPECT_EQ(StateOf("other"), State::kAlive);
}

TEST_F(SwimTest, TheTableGoesBackAsItWasBeforeTheOthersCame) {
  Handle(StreamIn{4, PushPull{true, {{"other", kOther, 1, State::kAlive, "", Versions{}}}}});
  const auto& reply = std::get<StreamReply>(actions_.at(0));
  EXPECT_EQ(reply.stream, 4u);
  const auto& table = std::get<PushPull>(*reply.message);
  EXPECT_TRUE(table.join);
  ASSERT_EQ(table.nodes.size(), 1u);
  EXPECT_EQ(table.nodes[0].name, "self");
  EXPECT_EQ(StateOf("other"), State::kAlive);
}

TEST_F(SwimTest, ADeadOneInATableIsOnlySuspected) {
  HearAlive("other", kOther);
  Handle(StreamIn{4, PushPull{false, {{"other", kOther, 1, State::kDead, "", Versions{}}}}});
  EXPECT_EQ(StateOf("other"), State::kSuspect) << "it can still refute";
}

TEST_F(SwimTest, WhoIsAloneCallsItsSeedsForEver) {
  Handle(SetSeeds{{kOther}});
  int calls = 0;
  for (int minute = 0; minute < 10; ++minute) {
    RunFor(seconds(60));
    for (const Action& action : std::vector<Action>(actions_)) {
      const auto* const call = std::get_if<StartExchange>(&action);
      if (call == nullptr) continue;
      EXPECT_EQ(call->to, kOther);
      ++calls;
      Handle(ExchangeDone{call->exchange, std::nullopt});
    }
  }
  EXPECT_GT(calls, 20);
  EXPECT_LT(calls, 100);
}

TEST_F(SwimTest, WhoHasCompanyCallsSeedsThatAreNewAtOnce) {
  Handle(SetSeeds{{kOther}});
  HearAlive("other", kOther);
  Handle(SetSeeds{{kSelf, kOther, kThird}});
  ASSERT_EQ(actions_.size(), 1u);
  EXPECT_EQ(std::get<StartExchange>(actions_[0]).to, kThird);
  Handle(SetSeeds{{kThird}});
  EXPECT_THAT(actions_, IsEmpty()) << "it is not new any more";
}

TEST_F(SwimTest, ALeaveIsToldAndNotRefuted) {
  HearAlive("other", kOther);
  RunFor(seconds(3));
  Handle(Leave{});
  RunFor(seconds(5));
  EXPECT_THAT(SentOf<Dead>(kOther), testing::Contains(Dead{1, "self", "self"}));
  EXPECT_TRUE(std::any_of(actions_.begin(), actions_.end(), [](const Action& action) {
    return std::holds_alternative<Gone>(action);
  }));
  Hear(Suspect{1, "self", "other"});
  EXPECT_EQ(Incarnation(), 1u);
}

TEST_F(SwimTest, WhoIsAloneIsGoneAtOnce) {
  Handle(Leave{});
  EXPECT_TRUE(std::holds_alternative<Gone>(actions_.at(0)));
}

}  // namespace
}  // namespace lb::controlplane::swim
