#include "dataplane/control/drainer.h"

#include <cerrno>
#include <string>

#include "dataplane/control/fake_traffic.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::Command;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart = Instant() + seconds(1'000);

Command Drain(const std::string& id, int64_t timeout_s) {
  Command command;
  command.set_id(id);
  command.mutable_drain()->mutable_timeout()->set_seconds(timeout_s);
  return command;
}
Command Undrain(const std::string& id) {
  Command command;
  command.set_id(id);
  command.mutable_undrain();
  return command;
}

class DrainerTest : public testing::Test {
 protected:
  DrainerTest() : drainer_(traffic_) { traffic_.open = 3; }

  FakeTraffic traffic_;
  Drainer drainer_;
};

TEST_F(DrainerTest, StopsAcceptingAndEndsWithTheLastConnection) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  EXPECT_FALSE(traffic_.accepting);
  drainer_.Step(kStart + seconds(10));
  EXPECT_TRUE(drainer_.draining());
  EXPECT_FALSE(drainer_.drained());
  traffic_.open = 0;
  drainer_.Step(kStart + seconds(11));
  EXPECT_TRUE(drainer_.drained());
  EXPECT_EQ(traffic_.closes, 0);
}

TEST_F(DrainerTest, ClosesTheRestOnceAtTheTimeout) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  drainer_.Step(kStart + seconds(30));
  drainer_.Step(kStart + seconds(31));
  EXPECT_EQ(traffic_.closes, 1);
  EXPECT_FALSE(drainer_.drained());
  drainer_.Step(kStart + seconds(30) + Drainer::kCloseGrace);
  EXPECT_TRUE(drainer_.drained());
  EXPECT_EQ(drainer_.Status(kStart + seconds(40))->drain().connections_closed(), 3u);
}

TEST_F(DrainerTest, TellsProgressOnceASecondAndTheEndOnce) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  const auto first = drainer_.Status(kStart);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->drain().command_id(), "a");
  EXPECT_EQ(first->drain().connections_left(), 3u);
  EXPECT_FALSE(first->drain().done());
  EXPECT_FALSE(drainer_.Status(kStart + milliseconds(999)).has_value());
  EXPECT_TRUE(drainer_.Status(kStart + seconds(1)).has_value());
  traffic_.open = 0;
  drainer_.Step(kStart + milliseconds(1'100));
  const auto last = drainer_.Status(kStart + milliseconds(1'100));
  ASSERT_TRUE(last.has_value());
  EXPECT_TRUE(last->drain().done());
  EXPECT_FALSE(drainer_.Status(kStart + seconds(60)).has_value());
}

TEST_F(DrainerTest, ARepeatedCommandIsAnsweredButNotCarriedOutAgain) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  ASSERT_TRUE(drainer_.Status(kStart).has_value());
  traffic_.accepting = true;
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  EXPECT_TRUE(traffic_.accepting);
  EXPECT_TRUE(drainer_.Status(kStart).has_value());
}

TEST_F(DrainerTest, ACommandThatWasOvertakenIsIgnored) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  ASSERT_TRUE(drainer_.Take(Undrain("b"), kStart).ok());
  ASSERT_TRUE(drainer_.Take(Drain("a", 30), kStart).ok());
  EXPECT_FALSE(drainer_.draining());
  EXPECT_EQ(drainer_.Status(kStart)->drain().command_id(), "b");
}

TEST_F(DrainerTest, IsServingAgainOnlyOnceEveryAddressIsBound) {
  ASSERT_TRUE(drainer_.Take(Drain("a", 3'600), kStart).ok());
  traffic_.failures = {{"web", Endpoint::Parse("127.0.0.1:80").value(), EADDRINUSE}};
  ASSERT_TRUE(drainer_.Take(Undrain("b"), kStart).ok());
  EXPECT_TRUE(drainer_.draining());
  EXPECT_FALSE(drainer_.Status(kStart)->drain().done());
  traffic_.failures.clear();
  // The drain's own timeout has nothing to do with it.
  drainer_.Step(kStart + Drainer::kStatusInterval);
  EXPECT_FALSE(drainer_.draining());
  EXPECT_TRUE(drainer_.Status(kStart + Drainer::kStatusInterval)->drain().done());
}

TEST_F(DrainerTest, NoCommandTakesBackTheDrainOfAnEndingProcess) {
  drainer_.DrainToExit(seconds(30), kStart);
  ASSERT_TRUE(drainer_.Take(Undrain("b"), kStart).ok());
  EXPECT_TRUE(drainer_.draining());
  EXPECT_FALSE(traffic_.accepting);
  const auto refusal = drainer_.Status(kStart);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->drain().command_id(), "b");
  EXPECT_NE(refusal->drain().refused(), "");
}

TEST_F(DrainerTest, AProcessThatEndsTellsItWithoutACommand) {
  drainer_.DrainToExit(seconds(30), kStart);
  const auto first = drainer_.Status(kStart);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->drain().command_id(), "");
  EXPECT_TRUE(first->drain().ending());
  EXPECT_EQ(first->drain().connections_left(), 3u);
  EXPECT_FALSE(drainer_.Status(kStart + milliseconds(999)).has_value());
  EXPECT_TRUE(drainer_.Status(kStart + seconds(1)).has_value());
}

TEST_F(DrainerTest, StandsAsideForAsLongAsItIsWanted) {
  drainer_.StandAside(std::nullopt, kStart);
  EXPECT_FALSE(traffic_.accepting);
  drainer_.Step(kStart + Drainer::kMaxTimeout + seconds(1));
  EXPECT_EQ(traffic_.closes, 0);
  const auto told = drainer_.Status(kStart);
  ASSERT_TRUE(told.has_value());
  EXPECT_TRUE(told->drain().ending());
  ASSERT_TRUE(drainer_.Take(Undrain("u"), kStart).ok());
  EXPECT_FALSE(drainer_.Status(kStart)->drain().refused().empty());
  EXPECT_FALSE(traffic_.accepting);
  drainer_.StandIn(kStart + seconds(1));
  EXPECT_TRUE(traffic_.accepting);
  EXPECT_FALSE(drainer_.draining());
}

TEST_F(DrainerTest, ASignalEndsAProcessThatStandsAside) {
  drainer_.StandAside(seconds(60), kStart);
  drainer_.DrainToExit(seconds(5), kStart);
  drainer_.Step(kStart + seconds(6));
  EXPECT_EQ(traffic_.closes, 1);
  drainer_.StandIn(kStart + seconds(7));
  EXPECT_FALSE(traffic_.accepting);
}

TEST_F(DrainerTest, ACommandWithoutIdOrOrderIsRefused) {
  EXPECT_FALSE(drainer_.Take(Drain("", 30), kStart).ok());
  EXPECT_FALSE(drainer_.Take(Drain(std::string(256, 'a'), 30), kStart).ok());
  Command nothing;
  nothing.set_id("a");
  EXPECT_FALSE(drainer_.Take(nothing, kStart).ok());
  EXPECT_FALSE(drainer_.draining());
}

}  // namespace
}  // namespace lb::dataplane
