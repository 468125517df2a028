// Orders about connections and log levels, without sockets.
#include "dataplane/control/connection_lane.h"
#include "dataplane/control/fake_traffic.h"
#include "dataplane/control/log_lane.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::Command;

constexpr Instant kStart{std::chrono::hours(1)};

Command KillOrder(const char* id, uint32_t rate_per_s) {
  Command command;
  command.set_id(id);
  command.mutable_kill_connections()->set_rate_per_s(rate_per_s);
  return command;
}

TEST(ConnectionLaneTest, AnswersAListOnce) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 0);  // Of no thread: every walk is done at once.
  Command command;
  command.set_id("l");
  command.mutable_list_connections()->set_limit(5);
  ASSERT_TRUE(lane.Take(command, kStart).ok());
  ConnectionLane::Messages out;
  lane.Report(kStart, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].connections().command_id(), "l");
  lane.Report(kStart, out);
  EXPECT_EQ(out.size(), 1u);
}

TEST(ConnectionLaneTest, ARepeatedKillIsToldAgainAndNotCarriedOutAgain) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 0);
  ConnectionLane::Messages out;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(lane.Take(KillOrder("k", 10), kStart).ok());
    lane.Report(kStart, out);
  }
  EXPECT_EQ(traffic.walks.size(), 1u);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(out[1].kill().done());
}

TEST(ConnectionLaneTest, AKillIsToldOnceASecondWhileItGoesOn) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 1);
  ASSERT_TRUE(lane.Take(KillOrder("k", 10), kStart).ok());
  ConnectionLane::Messages out;
  for (int tenth = 0; tenth < 20; ++tenth)
    lane.Report(kStart + std::chrono::milliseconds(100) * tenth, out);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_FALSE(out[0].kill().done());
}

Command StopOrder(const char* kill) {
  Command command;
  command.set_id("stop");
  command.mutable_cancel_kill()->set_command_id(kill);
  return command;
}

TEST(ConnectionLaneTest, AStoppedKillIsRunOnceMoreToEnd) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 1);
  ASSERT_TRUE(lane.Take(KillOrder("k", 10), kStart).ok());
  ASSERT_TRUE(lane.Take(StopOrder("k"), kStart).ok());
  ASSERT_EQ(traffic.walks.size(), 2u);
  EXPECT_EQ(traffic.walks[0], traffic.walks[1]);
}

TEST(ConnectionLaneTest, AnUnknownKillThatIsStoppedIsDone) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 1);
  ASSERT_TRUE(lane.Take(StopOrder("never"), kStart).ok());
  ConnectionLane::Messages out;
  lane.Report(kStart, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kill().command_id(), "never");
  EXPECT_TRUE(out[0].kill().done());
}

TEST(ConnectionLaneTest, RefusesWhatIsNoOrder) {
  FakeTraffic traffic;
  ConnectionLane lane(traffic, 1);
  EXPECT_FALSE(lane.Take(KillOrder("", 10), kStart).ok());
  EXPECT_FALSE(lane.Take(KillOrder("k", 0), kStart).ok());
  Command bad = KillOrder("k", 1);
  bad.mutable_kill_connections()->mutable_filter()->set_client_cidr("x");
  EXPECT_FALSE(lane.Take(bad, kStart).ok());
  EXPECT_TRUE(traffic.walks.empty());
}

TEST(LogLaneTest, TheLevelReturnsWhenItsTimeIsOver) {
  LogLane lane;
  Command::SetLogLevel order;
  order.set_level(lb::type::v1::LOG_LEVEL_DEBUG);
  order.mutable_duration()->set_seconds(60);
  ASSERT_TRUE(lane.Take(order, kStart).ok());
  lane.Step(kStart + std::chrono::seconds(59));
  EXPECT_EQ(lane.level(), LogLevel::kDebug);
  lane.Step(kStart + std::chrono::seconds(60));
  EXPECT_EQ(lane.level(), std::nullopt);
}

TEST(LogLaneTest, GrpcHasALevelOfItsOwn) {
  LogLane lane;
  Command::SetLogLevel order;
  order.set_grpc(true);
  order.set_level(lb::type::v1::LOG_LEVEL_INFO);
  order.mutable_duration()->set_seconds(60);
  ASSERT_TRUE(lane.Take(order, kStart).ok());
  EXPECT_EQ(lane.level(), std::nullopt);
  EXPECT_EQ(lane.grpc_level(), LogLevel::kInfo);
  lane.Step(kStart + std::chrono::seconds(60));
  EXPECT_EQ(lane.grpc_level(), std::nullopt);
}

TEST(LogLaneTest, RefusesALevelForLongerThanADay) {
  LogLane lane;
  Command::SetLogLevel order;
  order.set_level(lb::type::v1::LOG_LEVEL_DEBUG);
  order.mutable_duration()->set_seconds(24 * 3600 + 1);
  EXPECT_FALSE(lane.Take(order, kStart).ok());
  EXPECT_EQ(lane.level(), std::nullopt);
}

}  // namespace
}  // namespace lb::dataplane
