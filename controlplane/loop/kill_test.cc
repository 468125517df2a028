// Kills while workers hang or are away: they end, and say whom they could not reach.
#include <algorithm>
#include <chrono>

#include "controlplane/loop/api_fixture.h"
#include "controlplane/stream/worker_table.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectRequest;

class KillTest : public ApiFixture {
 protected:
  KillTest() {
    Load({"a", "b"});
    Connect(1, "w1");
    Connect(2, "w2");
  }

  static admin::v1::KillConnectionsRequest OfRule() {
    admin::v1::KillConnectionsRequest request;
    request.mutable_filter()->set_rule("rules/web");
    return request;
  }

  // Time passes while worker 2 alone says nothing.
  void FallSilent() {
    now_ += WorkerTable::kSilentAfter;
    ConnectRequest alive;
    alive.mutable_stats();
    Handle(WorkerMessage{1, alive});
    Handle(TimerFired{});
  }

  void Killed(SessionId session, uint64_t killed) {
    ConnectRequest status;
    for (const auto& message : sent_)
      if (message.command().has_kill_connections())
        status.mutable_kill()->set_command_id(message.command().id());
    status.mutable_kill()->set_killed(killed);
    status.mutable_kill()->set_done(true);
    Handle(WorkerMessage{session, status});
  }

  static constexpr int kTooLate = static_cast<int>(absl::StatusCode::kDeadlineExceeded);
};

TEST_F(KillTest, AWorkerThatFallsSilentEndsItWithAnErrorThatNamesIt) {
  const auto kill = Ask<admin::v1::Operation>(OfRule());
  Killed(1, 3);
  EXPECT_FALSE(Operation(kill.name()).done());
  EXPECT_LE(loop_->NextDeadline(), now_ + WorkerTable::kSilentAfter);
  FallSilent();
  const admin::v1::Operation ended = Operation(kill.name());
  EXPECT_TRUE(ended.done());
  EXPECT_EQ(ended.error_code(), kTooLate);
  EXPECT_EQ(ended.connections_closed(), 3u);
  EXPECT_NE(ended.error_message().find("workers/w2 did not answer"), std::string::npos)
      << ended.error_message();
}

TEST_F(KillTest, SilentWorkersBlockNoOtherKills) {
  FallSilent();
  for (int i = 0; i < 20; ++i) {
    sent_.clear();
    const auto kill = Ask<admin::v1::Operation>(OfRule());
    EXPECT_EQ(sent_.size(), 1u) << "only to the one that speaks";
    Killed(1, 1);
    EXPECT_EQ(Operation(kill.name()).error_code(), kTooLate);
  }
}

TEST_F(KillTest, WhenAllAreSilentItIsRefusedAndNamesOne) {
  now_ += WorkerTable::kSilentAfter;
  Handle(TimerFired{});
  EXPECT_EQ(ReasonOf(OfRule()), "WORKER_SILENT");
  EXPECT_EQ(replies_[0].failure->metadata["worker"], "workers/w1");
}

TEST_F(KillTest, ACountSaysWhoIsMissing) {
  FallSilent();
  sent_.clear();
  auto request = OfRule();
  request.set_validate_only(true);
  Call(request);
  ConnectRequest list;
  list.mutable_connections()->set_command_id(sent_.at(0).command().id());
  list.mutable_connections()->set_matching(4);
  Handle(WorkerMessage{1, list});
  ASSERT_EQ(replies_.size(), 1u);
  const auto counted = std::get<admin::v1::Operation>(replies_[0].answer);
  EXPECT_EQ(counted.connections_left(), 4u);
  EXPECT_EQ(counted.status(), "would close 4 connections; workers/w2 did not answer");
  EXPECT_EQ(counted.error_code(), kTooLate);
}

TEST_F(KillTest, AWorkerThatStaysAwayIsNotWaitedForForEver) {
  const auto kill = Ask<admin::v1::Operation>(OfRule());
  Killed(1, 0);
  Handle(WorkerStreamEnded{2});
  EXPECT_FALSE(Operation(kill.name()).done()) << "it may come back with its connections";
  const Instant give_up = now_ + WorkerTable::kComesBackWithin;
  EXPECT_LE(loop_->NextDeadline(), give_up);
  now_ = give_up;
  Handle(TimerFired{});
  EXPECT_EQ(Operation(kill.name()).error_code(), kTooLate);
}

}  // namespace
}  // namespace lb::controlplane
