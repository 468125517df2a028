// What operators set while things run: backend overrides, drains, kills, log levels.
#include <algorithm>
#include <variant>

#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/loop/test_node.h"
#include "controlplane/snapshot/features.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using worker::v1::ConnectRequest;

constexpr char kA[] = "rules/web/backends/a";
constexpr char kB[] = "rules/web/backends/b";

Config TwoBackends(uint32_t weight_of_a = 10) {
  RuleConfig rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  rule.backends.push_back({.name = "a",
                           .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                           .weight = weight_of_a,
                           .max_connections = std::nullopt});
  rule.backends.push_back({.name = "b",
                           .address = Endpoint::FromIp("10.0.0.2", 80).value(),
                           .weight = 10,
                           .max_connections = std::nullopt});
  Config config;
  config.rules.push_back(rule);
  return config;
}

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() { Restart(); }

  // A new life of the control plane, with what the last one stored.
  void Restart() {
    std::vector<Action> actions;
    loop_ = NodeOf(stored_, now_, actions);
    Note(actions);
  }

  std::vector<Action> Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Note(actions);
    return actions;
  }

  void Note(const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      if (const auto* save = std::get_if<SaveState>(&action)) stored_ = save->bytes;
      if (const auto* reply = std::get_if<Reply>(&action)) replies_.push_back(*reply);
      if (const auto* send = std::get_if<SendToWorker>(&action)) sent_.push_back(send->message);
    }
  }

  void Load(Config config) { Handle(ConfigRead{"lb.yaml", std::move(config), {}, 0}); }

  void Connect(SessionId session, const std::string& id, const std::vector<std::string>& features) {
    Handle(WorkerMessage{session, HelloOf(id, "i", static_cast<uint32_t>(40 + session), features)});
  }

  // The worker runs the newest snapshot and has so many connections open to backend a.
  void AckAndCount(SessionId session, uint64_t connections) {
    for (const auto& message : std::vector(sent_)) {
      if (!message.has_snapshot() && !message.has_version()) continue;
      const auto& version =
          message.has_snapshot() ? message.snapshot().version() : message.version().version();
      newest_ = version;
    }
    ConnectRequest ack;
    *ack.mutable_ack()->mutable_version() = newest_;
    Handle(WorkerMessage{session, ack});
    ConnectRequest report;
    worker::v1::StatsReport::Backend& backend = *report.mutable_stats()->add_backends();
    backend.set_rule("web");
    backend.set_backend("a");
    backend.set_connections(connections);
    Handle(WorkerMessage{session, report});
  }

  template <typename Answer, typename Request>
  Answer Ask(const Request& request) {
    replies_.clear();
    Handle(AdminRequest{9, request, {now_, WallTime(seconds(5'000))}, {Role::kAdmin, "uid/7"}});
    if (replies_.size() != 1) {
      ADD_FAILURE() << replies_.size() << " replies";
      return {};
    }
    if (!replies_[0].failure) return std::get<Answer>(replies_[0].answer);
    ADD_FAILURE() << replies_[0].failure->status;
    return {};
  }

  template <typename Request>
  std::string ReasonOf(const Request& request) {
    replies_.clear();
    Handle(AdminRequest{9, request, {now_, {}}});
    return replies_.size() == 1 && replies_[0].failure ? replies_[0].failure->reason : "";
  }

  template <typename Request>
  static Request Named(const char* name) {
    Request request;
    request.set_name(name);
    return request;
  }

  admin::v1::Backend Get(const char* name) {
    return Ask<admin::v1::Backend>(Named<admin::v1::GetBackendRequest>(name));
  }

  admin::v1::Operation Operation(const std::string& name) {
    return Ask<admin::v1::Operation>(Named<admin::v1::GetOperationRequest>(name.c_str()));
  }

  admin::v1::Backend SetPercent(const char* name, uint32_t percent) {
    auto request = Named<admin::v1::SetBackendWeightRequest>(name);
    request.set_weight_percent(percent);
    return Ask<admin::v1::Backend>(request);
  }

  Instant now_ = Instant(std::chrono::hours(9));
  std::string stored_;
  std::vector<Reply> replies_;
  std::vector<worker::v1::ConnectResponse> sent_;
  type::v1::ConfigVersion newest_;
  std::unique_ptr<ControlLoop> loop_;
};

TEST_F(OperatorTest, AnOverrideSurvivesAReloadAndARestart) {
  Load(TwoBackends());
  EXPECT_EQ(SetPercent(kA, 50).weight(), 5u);
  Load(TwoBackends(40));
  EXPECT_EQ(Get(kA).weight(), 20u);  // A share is one of whatever is configured.
  EXPECT_EQ(Get(kA).configured_weight(), 40u);
  Restart();
  Load(TwoBackends(40));
  const admin::v1::Backend backend = Get(kA);
  EXPECT_EQ(backend.weight(), 20u);
  EXPECT_EQ(backend.override().author(), "uid/7");
  EXPECT_EQ(backend.override().set_time().seconds(), 5'000);
  EXPECT_FALSE(Get(kB).has_override());
}

TEST_F(OperatorTest, AResetGivesBackTheConfiguredWeight) {
  Load(TwoBackends());
  SetPercent(kA, 0);
  EXPECT_EQ(Get(kA).weight(), 0u);
  EXPECT_EQ(Ask<admin::v1::Backend>(Named<admin::v1::ResetBackendRequest>(kA)).weight(), 10u);
  EXPECT_FALSE(Get(kA).has_override());
}

TEST_F(OperatorTest, ASmallShareNeverRoundsToNone) {
  Load(TwoBackends());
  EXPECT_EQ(SetPercent(kA, 1).weight(), 1u);
}

TEST_F(OperatorTest, ValidateOnlyAnswersTheSameAndChangesNothing) {
  Load(TwoBackends());
  auto request = Named<admin::v1::SetBackendWeightRequest>(kA);
  request.set_weight(3);
  request.set_validate_only(true);
  EXPECT_EQ(Ask<admin::v1::Backend>(request).weight(), 3u);
  EXPECT_EQ(Get(kA).weight(), 10u);
}

TEST_F(OperatorTest, TheLastBackendThatServesIsOnlyDrainedByForce) {
  Load(TwoBackends());
  Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  auto request = Named<admin::v1::DrainBackendRequest>(kB);
  EXPECT_EQ(ReasonOf(request), "LAST_HEALTHY_BACKEND");
  EXPECT_EQ(Get(kB).weight(), 10u);
  request.set_force(true);
  Ask<admin::v1::Operation>(request);
  EXPECT_EQ(Get(kB).weight(), 0u);
}

TEST_F(OperatorTest, AnOverrideOutlivesItsBackendForAnHour) {
  Load(TwoBackends());
  SetPercent(kA, 50);
  Config without = TwoBackends();
  without.rules[0].backends.erase(without.rules[0].backends.begin());
  Load(without);
  now_ += minutes(59);
  Load(TwoBackends());
  EXPECT_EQ(Get(kA).weight(), 5u);
  Load(without);
  now_ += minutes(61);
  Handle(TimerFired{});
  Load(TwoBackends());
  EXPECT_EQ(Get(kA).weight(), 10u);
}

TEST_F(OperatorTest, ADrainCountsConnectionsDownToNone) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 2);
  admin::v1::Operation drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  EXPECT_EQ(drain.connections_left(), 2u);
  EXPECT_FALSE(drain.done());
  AckAndCount(1, 1);
  drain = Operation(drain.name());
  EXPECT_EQ(drain.connections_left(), 1u);
  EXPECT_FALSE(drain.done());
  AckAndCount(1, 0);
  drain = Operation(drain.name());
  EXPECT_TRUE(drain.done());
  EXPECT_EQ(drain.error_code(), 0);
}

// None is open, but the worker may send one there until it has the new weights.
TEST_F(OperatorTest, ADrainIsNotDoneBeforeTheWorkerHasTakenIt) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 0);
  const admin::v1::Operation drain =
      Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  EXPECT_FALSE(Operation(drain.name()).done());
  AckAndCount(1, 0);
  EXPECT_TRUE(Operation(drain.name()).done());
}

TEST_F(OperatorTest, ADrainAtItsTimeoutSaysWhatIsLeftAndStaysDrained) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 2);
  auto request = Named<admin::v1::DrainBackendRequest>(kA);
  request.mutable_timeout()->set_seconds(10);
  const admin::v1::Operation drain = Ask<admin::v1::Operation>(request);
  EXPECT_LE(loop_->NextDeadline(), now_ + seconds(10));
  now_ += seconds(10);
  Handle(TimerFired{});
  EXPECT_EQ(Operation(drain.name()).error_code(),
            static_cast<int>(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Get(kA).weight(), 0u);
}

TEST_F(OperatorTest, ADrainClosesTheRestAtItsTimeoutIfAsked) {
  Load(TwoBackends());
  Connect(1, "w", {"connections"});
  AckAndCount(1, 2);
  auto request = Named<admin::v1::DrainBackendRequest>(kA);
  request.mutable_timeout()->set_seconds(10);
  request.set_close_at_timeout(true);
  const admin::v1::Operation drain = Ask<admin::v1::Operation>(request);
  now_ += seconds(6);
  AckAndCount(1, 2);
  now_ += seconds(4);
  sent_.clear();
  Handle(TimerFired{});
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].command().kill_connections().filter().backend(), "a");
  ConnectRequest status;
  status.mutable_kill()->set_command_id(sent_[0].command().id());
  status.mutable_kill()->set_killed(2);
  status.mutable_kill()->set_done(true);
  Handle(WorkerMessage{1, status});
  Handle(TimerFired{});
  EXPECT_TRUE(Operation(drain.name()).done());
  EXPECT_EQ(Operation(drain.name()).connections_closed(), 2u);
}

TEST_F(OperatorTest, ConnectionsAreGatheredFromTheWorkersThatCan) {
  Load(TwoBackends());
  Connect(1, "w1", {"connections"});
  Connect(2, "w2", {"connections"});
  Connect(3, "old", {});
  replies_.clear();
  sent_.clear();
  Handle(AdminRequest{9, admin::v1::ListConnectionsRequest(), {now_, {}}});
  EXPECT_TRUE(replies_.empty());
  ASSERT_EQ(sent_.size(), 2u);
  ConnectRequest list;
  list.mutable_connections()->set_command_id(sent_[0].command().id());
  list.mutable_connections()->set_matching(3);
  list.mutable_connections()->add_connections()->set_rule("web");
  Handle(WorkerMessage{1, list});
  EXPECT_TRUE(replies_.empty());
  now_ += seconds(3);
  Handle(TimerFired{});
  ASSERT_EQ(replies_.size(), 1u);
  const auto answer = std::get<admin::v1::ListConnectionsResponse>(replies_[0].answer);
  EXPECT_EQ(answer.matching(), 3u);
  ASSERT_EQ(answer.workers_missing_size(), 2);
  EXPECT_EQ(answer.workers_missing(0), "workers/old");
  EXPECT_EQ(answer.workers_missing(1), "workers/w2");
}

TEST_F(OperatorTest, AKillNeedsAFilterAndAWorkerThatCan) {
  Load(TwoBackends());
  Connect(1, "old", {});
  admin::v1::KillConnectionsRequest request;
  EXPECT_EQ(ReasonOf(request), "FIELD_INVALID");
  request.mutable_filter()->set_client_cidr("10.0.0.1/8");
  EXPECT_EQ(ReasonOf(request), "FIELD_INVALID");
  request.mutable_filter()->set_client_cidr("10.0.0.0/8");
  EXPECT_EQ(ReasonOf(request), "MISSING_FEATURE");
  admin::v1::GetWorkerRequest worker;
  worker.set_name("workers/old");
  const auto described = Ask<admin::v1::Worker>(worker);
  const auto& missing = described.missing_features();
  EXPECT_NE(std::find(missing.begin(), missing.end(), "connections"), missing.end());
}

TEST_F(OperatorTest, AKillSharesItsRateAndIsSentAgainOnANewStream) {
  Load(TwoBackends());
  Connect(1, "w1", {"connections"});
  Connect(2, "w2", {"connections"});
  admin::v1::KillConnectionsRequest request;
  request.mutable_filter()->set_rule("rules/web");
  request.set_rate_per_s(100);
  sent_.clear();
  const auto kill = Ask<admin::v1::Operation>(request);
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(sent_[0].command().kill_connections().rate_per_s(), 50u);
  const std::string id = sent_[0].command().id();
  ConnectRequest status;
  status.mutable_kill()->set_command_id(id);
  status.mutable_kill()->set_killed(7);
  status.mutable_kill()->set_done(true);
  Handle(WorkerMessage{1, status});
  EXPECT_EQ(Operation(kill.name()).connections_closed(), 7u);
  EXPECT_FALSE(Operation(kill.name()).done());
  sent_.clear();
  Connect(3, "w2", {"connections"});
  EXPECT_TRUE(std::any_of(sent_.begin(), sent_.end(),
                          [&](const auto& message) { return message.command().id() == id; }));
  Handle(WorkerMessage{3, status});
  EXPECT_TRUE(Operation(kill.name()).done());
  EXPECT_EQ(Operation(kill.name()).connections_closed(), 14u);
}

TEST_F(OperatorTest, ADrainOfABackendGoesOnAfterARestart) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 3);
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  Restart();
  Load(TwoBackends());
  EXPECT_FALSE(Operation(drain.name()).done()) << "no worker has counted yet";
  EXPECT_EQ(Operation(drain.name()).target(), kA);
  Connect(2, "w", {});
  EXPECT_FALSE(Operation(drain.name()).done());
  AckAndCount(2, 2);
  EXPECT_EQ(Operation(drain.name()).connections_left(), 2u);
  AckAndCount(2, 0);
  EXPECT_TRUE(Operation(drain.name()).done());
  EXPECT_EQ(Operation(drain.name()).error_code(), 0);
  // What has ended is found, too, and its number is not given again.
  now_ += seconds(1);
  Handle(TimerFired{});
  Restart();
  Load(TwoBackends());
  EXPECT_EQ(Operation(drain.name()).status(), "done");
  auto next = Named<admin::v1::DrainBackendRequest>(kB);
  next.set_force(true);
  EXPECT_NE(Ask<admin::v1::Operation>(next).name(), drain.name());
}

TEST_F(OperatorTest, ADrainOfDaysKeepsItsTimeOverARestart) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 3);
  auto request = Named<admin::v1::DrainBackendRequest>(kA);
  request.mutable_timeout()->set_seconds(std::chrono::seconds(std::chrono::hours(48)).count());
  const auto drain = Ask<admin::v1::Operation>(request);
  Restart();
  Load(TwoBackends());
  Connect(2, "w", {});
  AckAndCount(2, 3);
  now_ += std::chrono::hours(47);
  Handle(TimerFired{});
  EXPECT_FALSE(Operation(drain.name()).done());
  now_ += std::chrono::hours(3);
  Handle(TimerFired{});
  EXPECT_TRUE(Operation(drain.name()).done());
}

TEST_F(OperatorTest, ADrainWaitsOnlySoLongForWorkersAfterARestart) {
  Load(TwoBackends());
  Connect(1, "w", {});
  AckAndCount(1, 3);
  const auto drain = Ask<admin::v1::Operation>(Named<admin::v1::DrainBackendRequest>(kA));
  Restart();
  Load(TwoBackends());
  now_ += seconds(15);
  EXPECT_LE(loop_->NextDeadline(), now_);
  Handle(TimerFired{});
  EXPECT_TRUE(Operation(drain.name()).done()) << "the worker is gone, and what it had open with it";
}

TEST_F(OperatorTest, ADrainOfAWorkerIsTheSameOrderAfterARestart) {
  Connect(1, "w", {});
  auto request = Named<admin::v1::DrainWorkerRequest>("workers/w");
  request.set_force(true);
  const auto drain = Ask<admin::v1::Operation>(request);
  const std::string id = sent_.back().command().id();
  Restart();
  sent_.clear();
  Connect(1, "w", {});
  const auto again = std::find_if(sent_.begin(), sent_.end(),
                                  [](const auto& message) { return message.has_command(); });
  ASSERT_NE(again, sent_.end());
  EXPECT_EQ(again->command().id(), id);
  ConnectRequest status;
  status.mutable_drain()->set_command_id(id);
  status.mutable_drain()->set_done(true);
  Handle(WorkerMessage{1, status});
  EXPECT_TRUE(Operation(drain.name()).done());
  EXPECT_EQ(Operation(drain.name()).error_code(), 0);
}

TEST_F(OperatorTest, AKillIsSaidToBeLostAfterARestart) {
  Connect(1, "w", {kFeatureConnections});
  admin::v1::KillConnectionsRequest request;
  request.set_all(true);
  const auto kill = Ask<admin::v1::Operation>(request);
  EXPECT_FALSE(kill.done());
  Restart();
  EXPECT_TRUE(Operation(kill.name()).done());
  EXPECT_EQ(Operation(kill.name()).error_code(), static_cast<int>(absl::StatusCode::kAborted));
  EXPECT_NE(Operation(kill.name()).status().find("restarted"), std::string::npos);
}

TEST_F(OperatorTest, ALogLevelReturnsByItself) {
  admin::v1::SetLogLevelRequest request;
  request.set_component("controlplane");
  request.set_level(type::v1::LOG_LEVEL_DEBUG);
  request.mutable_duration()->set_seconds(60);
  const auto set = Ask<admin::v1::GetLogLevelsResponse>(request);
  EXPECT_EQ(set.settings(0).level(), type::v1::LOG_LEVEL_DEBUG);
  EXPECT_EQ(set.settings(0).return_time().seconds(), 5'060);
  EXPECT_LE(loop_->NextDeadline(), now_ + seconds(60));
  now_ += seconds(60);
  const std::vector<Action> actions = Handle(TimerFired{});
  EXPECT_TRUE(std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    const auto* level = std::get_if<SetLogLevel>(&action);
    return level != nullptr && !level->level;
  }));
}

TEST_F(OperatorTest, GrpcsLinesHaveALevelOfTheirOwn) {
  Connect(1, "w", {kFeatureLogLevel, kFeatureLogGrpc});
  Connect(2, "old", {kFeatureLogLevel});
  admin::v1::SetLogLevelRequest request;
  request.set_level(type::v1::LOG_LEVEL_INFO);
  request.set_component("workers/old/grpc");
  EXPECT_EQ(ReasonOf(request), "MISSING_FEATURE");
  request.set_component("workers/nobody/grpc");
  EXPECT_EQ(ReasonOf(request), "COMPONENT_NOT_FOUND");
  request.set_component("workers/w/grpc");
  sent_.clear();
  const auto set = Ask<admin::v1::GetLogLevelsResponse>(request);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_TRUE(sent_[0].command().set_log_level().grpc());
  for (const admin::v1::LogSetting& setting : set.settings())
    EXPECT_EQ(setting.has_return_time(), setting.component() == "workers/w/grpc")
        << setting.component();
  request.set_component("controlplane/grpc");
  const std::vector<Action> actions = Handle(AdminRequest{9, request, {now_, {}}});
  EXPECT_TRUE(std::any_of(actions.begin(), actions.end(), [](const Action& action) {
    const auto* level = std::get_if<SetLogLevel>(&action);
    return level != nullptr && level->grpc && level->level == LogLevel::kInfo;
  }));
}

TEST_F(OperatorTest, TheLastWorkerThatAcceptsIsOnlyDrainedByForce) {
  Connect(1, "w", {});
  auto request = Named<admin::v1::DrainWorkerRequest>("workers/w");
  EXPECT_EQ(ReasonOf(request), "LAST_ACCEPTING_WORKER");
  request.set_force(true);
  request.set_validate_only(true);
  EXPECT_TRUE(Ask<admin::v1::Operation>(request).done());
  request.set_validate_only(false);
  EXPECT_FALSE(Ask<admin::v1::Operation>(request).done());
}

}  // namespace
}  // namespace lb::controlplane
