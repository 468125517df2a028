// What events tell of changes, and what the status tells of workers that are missed.
#include <chrono>

#include "controlplane/loop/api_fixture.h"

namespace lb::controlplane {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using worker::v1::ConnectRequest;

class ChangeEventTest : public ApiFixture {
 protected:
  ChangeEventTest() {
    Load({"a", "b"});
    Connect(1, "w");
  }

  std::vector<std::string> Alerts(const std::string& resource) {
    std::vector<std::string> messages;
    const auto status = Ask<admin::v1::Status>(admin::v1::GetStatusRequest());
    for (const admin::v1::Alert& alert : status.alerts())
      if (alert.resource() == resource) messages.push_back(alert.message());
    return messages;
  }

  // The process of session 1 is killed.
  void Kill() {
    Handle(WorkerStreamEnded{1});
    Handle(ProcessGone{41, 0});
  }
};

TEST_F(ChangeEventTest, AnApplyThatIsRefusedLaterIsAWarningWithItsReason) {
  ConfigRead read{"lb.yaml", Web({"a", "b"}), {}, 0};
  read.content = "rules";
  read.digest = "digest";
  Handle(read);
  admin::v1::ApplyConfigRequest request;
  request.set_content("rules: []\n");
  request.set_if_revision(99);
  EXPECT_EQ(ReasonOf(request), "REVISION_MISMATCH");
  const auto events = Events("api.change");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].severity(), admin::v1::Event::SEVERITY_WARNING);
  EXPECT_EQ(events[0].attributes().at("reason"), "REVISION_MISMATCH");
  EXPECT_EQ(events[0].attributes().at("call"), "ApplyConfig");
  EXPECT_EQ(events[0].attributes().at("caller"), "alice");
}

TEST_F(ChangeEventTest, AnOverrideSaysFromWhatToWhatAndByWhom) {
  auto weight = Named<admin::v1::SetBackendWeightRequest>(kA);
  weight.set_weight(33);
  Ask<admin::v1::Backend>(weight);
  Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  const auto events = Events("backend.override");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].message(), "ready, weight 10 -> ready, weight 33");
  EXPECT_EQ(events[1].message(), "ready, weight 33 -> drained, weight 33");
  EXPECT_EQ(events[1].resource(), kA);
  EXPECT_EQ(events[1].attributes().at("author"), "alice");
}

TEST_F(ChangeEventTest, ADrainTakenBackSaysWhatTheBackendIsNow) {
  Ask<admin::v1::Backend>(Named<admin::v1::MaintainBackendRequest>(kA));
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  auto cancel = Named<admin::v1::CancelOperationRequest>(drain.name());
  cancel.set_validate_only(true);
  Ask<admin::v1::Operation>(cancel);
  EXPECT_EQ(Events("backend.override").size(), 2u);
  cancel.set_validate_only(false);
  Ask<admin::v1::Operation>(cancel);
  const auto events = Events("backend.override");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[2].message(), "drained, weight 10 -> in maintenance, weight 10");
  EXPECT_EQ(events[2].resource(), kA);
  EXPECT_EQ(events[2].attributes().at("author"), "alice");
}

TEST_F(ChangeEventTest, DrainsAndKillsAreToldWhenTheyAreOver) {
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  admin::v1::KillConnectionsRequest request;
  request.mutable_filter()->set_backend(kA);
  const auto kill = Ask<admin::v1::Operation>(request);
  EXPECT_TRUE(Events("backend.drained").empty());
  EXPECT_TRUE(Events("connections").empty());
  Kill();
  const auto drained = Events("backend.drained");
  ASSERT_EQ(drained.size(), 1u);
  EXPECT_EQ(drained[0].resource(), kA);
  EXPECT_EQ(drained[0].attributes().at("operation"), drain.name());
  const auto killed = Events("connections.killed");
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].resource(), kA);
  EXPECT_EQ(killed[0].attributes().at("operation"), kill.name());
  EXPECT_EQ(killed[0].attributes().at("author"), "alice");
}

TEST_F(ChangeEventTest, ALogLevelSaysWhatItWas) {
  admin::v1::SetLogLevelRequest request;
  request.set_component("controlplane");
  for (const auto level : {type::v1::LOG_LEVEL_DEBUG, type::v1::LOG_LEVEL_WARN}) {
    request.set_level(level);
    Ask<admin::v1::GetLogLevelsResponse>(request);
  }
  const auto events = Events("log.level");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].attributes().at("before"), "LOG_LEVEL_DEBUG");
  EXPECT_EQ(events[1].attributes().at("after"), "LOG_LEVEL_WARN");
}

TEST_F(ChangeEventTest, NobodyWaitsForEventsThatThereAreNot) {
  admin::v1::WatchEventsRequest watch;
  watch.add_kinds("worker");
  watch.add_kinds("foo");
  EXPECT_EQ(ReasonOf(watch), "KIND_UNKNOWN");
  admin::v1::ListEventsRequest list;
  list.add_kinds("backend.dow");
  EXPECT_EQ(ReasonOf(list), "KIND_UNKNOWN");
  EXPECT_NE(std::string(replies_[0].failure->status.message()).find("backend.down"),
            std::string::npos);
}

TEST_F(ChangeEventTest, AWorkerThatIsKilledIsMissedForAWhileOrUntilItIsBack) {
  Kill();
  now_ += minutes(3);
  ASSERT_EQ(Alerts("workers/w").size(), 1u);
  EXPECT_EQ(Alerts("workers/w")[0].find("gone without a goodbye 3m ago"), 0u)
      << Alerts("workers/w")[0];
  Handle(WorkerMessage{2, HelloOf("w", "next", 42)});
  EXPECT_TRUE(Alerts("workers/w").empty());
  Handle(WorkerStreamEnded{2});
  Handle(ProcessGone{42, 0});
  EXPECT_EQ(Alerts("workers/w").size(), 1u);
  now_ += minutes(11);
  EXPECT_TRUE(Alerts("workers/w").empty());
}

TEST_F(ChangeEventTest, AWorkerThatSaidThatItEndsIsNotMissed) {
  ConnectRequest ending;
  ending.mutable_drain()->set_ending(true);
  Handle(WorkerMessage{1, ending});
  Kill();
  EXPECT_TRUE(Alerts("workers/w").empty());
}

TEST_F(ChangeEventTest, TwoWorkersOfOneNameAreAnAlertWhileBothAreThere) {
  Handle(WorkerMessage{2, HelloOf("w", "other", 42)});
  ASSERT_EQ(Alerts("workers/w").size(), 1u);
  EXPECT_EQ(Alerts("workers/w")[0], "2 processes have this name; give each its own with --id");
  Handle(WorkerStreamEnded{2});
  EXPECT_TRUE(Alerts("workers/w").empty());
}

}  // namespace
}  // namespace lb::controlplane
