// When a backend or a worker is drained for sure, and what a drain may be told.
#include <chrono>

#include "controlplane/loop/api_fixture.h"
#include "controlplane/stream/worker_table.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;
using worker::v1::ConnectRequest;

class DrainedTest : public ApiFixture {
 protected:
  // What the worker of a session says: it runs what it was sent last.
  void Ack(SessionId session) {
    for (const auto& message : sent_) {
      if (message.has_snapshot()) newest_ = message.snapshot().version();
      if (message.has_version()) newest_ = message.version().version();
    }
    ConnectRequest ack;
    *ack.mutable_ack()->mutable_version() = newest_;
    Handle(WorkerMessage{session, ack});
  }

  // So many connections are open, all of them to backend a, and so many drains closed there so far.
  void Count(SessionId session, uint64_t open, uint64_t closed = 0) {
    ConnectRequest report;
    report.mutable_stats()->set_connections(open);
    worker::v1::StatsReport::Rule& rule = *report.mutable_stats()->add_rules();
    rule.set_rule("web");
    rule.set_connections(open);
    worker::v1::StatsReport::Backend& backend = *report.mutable_stats()->add_backends();
    backend.set_rule("web");
    backend.set_backend("a");
    backend.set_connections(open);
    backend.set_drain_closed_total(closed);
    Handle(WorkerMessage{session, report});
  }

  void SayDrain(SessionId session, const std::string& id, uint64_t left, bool done) {
    ConnectRequest status;
    status.mutable_drain()->set_command_id(id);
    status.mutable_drain()->set_connections_left(left);
    status.mutable_drain()->set_done(done);
    Handle(WorkerMessage{session, status});
  }

  static admin::v1::DrainWorkerRequest DrainOf(const char* worker) {
    auto request = Named<admin::v1::DrainWorkerRequest>(worker);
    request.set_force(true);
    return request;
  }

  type::v1::ConfigVersion newest_;
};

TEST_F(DrainedTest, ABackendIsDrainedWhenEveryWorkerHasCountedWithTheNewestSnapshot) {
  Load({"a", "b"});
  Connect(1, "w1");
  Connect(2, "w2");
  for (const SessionId session : {SessionId{1}, SessionId{2}}) {
    Ack(session);
    Count(session, 0);
  }
  EXPECT_FALSE(Backend(kA).drained()) << "it takes connections";
  Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  EXPECT_FALSE(Backend(kA).drained()) << "no worker knows of the drain yet";
  Ack(1);
  Count(1, 0);
  Count(2, 0);
  EXPECT_FALSE(Backend(kA).drained()) << "worker 2 counted with the snapshot before";
  Ack(2);
  EXPECT_FALSE(Backend(kA).drained()) << "worker 2 has not counted since";
  Count(2, 1);
  EXPECT_FALSE(Backend(kA).drained());
  Count(2, 0);
  EXPECT_TRUE(Backend(kA).drained());
}

// A report of many counters comes in several messages: what is left out of the first is not zero.
TEST_F(DrainedTest, NothingIsDrainedBeforeTheLastPartOfAReport) {
  Load({"a", "b"});
  Connect(1, "w");
  Ack(1);
  Count(1, 0);
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  Ack(1);
  ConnectRequest part;
  part.mutable_stats()->set_connections(2);
  part.mutable_stats()->set_more(true);
  Handle(WorkerMessage{1, part});
  EXPECT_FALSE(Backend(kA).drained());
  EXPECT_FALSE(Operation(drain.name()).done());
  Count(1, 2);
  EXPECT_FALSE(Backend(kA).drained());
  EXPECT_FALSE(Operation(drain.name()).done());
  Handle(WorkerMessage{1, part});
  Count(1, 0);
  EXPECT_TRUE(Backend(kA).drained());
  EXPECT_EQ(Operation(drain.name()).state(), admin::v1::Operation::STATE_SUCCEEDED);
}

TEST_F(DrainedTest, WhatWorkersClosedSinceItBeganIsCounted) {
  Load({"a", "b"});
  Connect(1, "w");
  Ack(1);
  Count(1, 9, 100);  // Of an earlier drain.
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  Ack(1);
  Count(1, 5, 103);  // One ended by itself.
  EXPECT_EQ(Operation(drain.name()).connections_closed(), 3u);
  Count(1, 0, 108);
  EXPECT_EQ(Operation(drain.name()).connections_closed(), 8u);
  EXPECT_EQ(Operation(drain.name()).status(), "done; 8 connections closed in the drain_timeout");
}

TEST_F(DrainedTest, AWorkerThatIsAwayForAMomentMayHaveConnections) {
  Load({"a", "b"});
  Connect(1, "w");
  Ack(1);
  auto request = Named<admin::v1::SetBackendWeightRequest>(kA);
  request.set_weight(0);
  EXPECT_FALSE(Ask<admin::v1::Backend>(request).drained());
  Ack(1);
  Count(1, 0);
  EXPECT_TRUE(Backend(kA).drained());
  Handle(WorkerStreamEnded{1});
  EXPECT_FALSE(Backend(kA).drained());
  now_ += WorkerTable::kComesBackWithin + seconds(1);
  EXPECT_TRUE(Backend(kA).drained()) << "a host that is gone must not be waited for for ever";
}

TEST_F(DrainedTest, AWorkerIsDrainedWhenItSaysSoAfterTheOrder) {
  Load({"a", "b"});
  Connect(1, "w");
  Ack(1);
  Count(1, 0);
  Ask<admin::v1::Operation>(DrainOf("workers/w"));
  const std::string id = sent_.back().command().id();
  Count(1, 0);
  EXPECT_FALSE(Worker("workers/w").drained()) << "it may not have had the order";
  Count(1, 2);
  SayDrain(1, id, 1, false);
  EXPECT_FALSE(Worker("workers/w").drained());
  EXPECT_EQ(Worker("workers/w").connections(), 1u);
  SayDrain(1, id, 0, true);
  EXPECT_TRUE(Worker("workers/w").drained());
  EXPECT_EQ(Worker("workers/w").connections(), 0u) << "what the statistics said before is over";
  EXPECT_EQ(Ask<admin::v1::Rule>(Named<admin::v1::GetRuleRequest>("rules/web")).connections(), 0u);
  EXPECT_EQ(Ask<admin::v1::Status>(admin::v1::GetStatusRequest()).connections(), 0u);
  Ask<admin::v1::Operation>(Named<admin::v1::UndrainWorkerRequest>("workers/w"));
  EXPECT_FALSE(Worker("workers/w").drained());
}

TEST_F(DrainedTest, AWorkerThatWasDrainedBeforeIsKnownToBeFromItsCounters) {
  ConnectRequest hello = HelloOf("w", "i", 41, {});
  hello.mutable_hello()->set_draining(true);
  Handle(WorkerMessage{1, hello});
  EXPECT_FALSE(Worker("workers/w").drained());
  Count(1, 1);
  EXPECT_FALSE(Worker("workers/w").drained());
  Count(1, 0);
  EXPECT_TRUE(Worker("workers/w").drained());
}

TEST_F(DrainedTest, TheTimeoutOfAWorkersDrainHasARange) {
  Connect(1, "w");
  auto request = DrainOf("workers/w");
  for (const int64_t wrong_s : {int64_t{-5}, int64_t{0}, int64_t{99'999'999'999}}) {
    request.mutable_timeout()->set_seconds(wrong_s);
    EXPECT_EQ(ReasonOf(request), "FIELD_INVALID") << wrong_s;
  }
  EXPECT_FALSE(Worker("workers/w").draining());
  request.mutable_timeout()->set_seconds(1);
  Ask<admin::v1::Operation>(request);
  EXPECT_EQ(sent_.back().command().drain().timeout().seconds(), 1);
}

}  // namespace
}  // namespace lb::controlplane
