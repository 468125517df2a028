#include "controlplane/loop/control_loop.h"

#include <variant>

#include "controlplane/loop/test_messages.h"
#include "controlplane/loop/test_node.h"
#include "controlplane/stream/worker_table.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectRequest;
using worker::v1::ConnectResponse;

Config OneRule() {
  RuleConfig rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  rule.backends.push_back({.name = "b",
                           .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                           .weight = 1,
                           .max_connections = 10});
  Config config;
  config.rules.push_back(rule);
  return config;
}

class ControlLoopTest : public testing::Test {
 protected:
  ControlLoopTest() { Restart(""); }

  void Restart(const std::string& stored) {
    std::vector<Action> actions;
    loop_ = NodeOf(stored, now_, actions);
    Note(actions);
  }

  std::vector<Action> Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Note(actions);
    return actions;
  }

  void Note(const std::vector<Action>& actions) {
    for (const Action& action : actions)
      if (const auto* save = std::get_if<SaveState>(&action)) stored_ = save->bytes;
  }

  std::vector<Action> Load(std::optional<Config> config) {
    return Handle(ConfigRead{"lb.yaml", std::move(config), {}, 0});
  }

  static ConnectRequest Hello(const std::string& incarnation = "i1") {
    return HelloOf("worker-1", incarnation, 42);
  }

  Reply Ask(AdminCall call) {
    for (Action& action : Handle(AdminRequest{9, std::move(call), {now_, {}}}))
      if (auto* reply = std::get_if<Reply>(&action)) return std::move(*reply);
    ADD_FAILURE() << "no reply";
    return {};
  }

  static std::string ReasonOf(const Reply& reply) {
    return reply.failure ? reply.failure->reason : "";
  }

  // The kinds of messages sent to a session.
  static std::vector<ConnectResponse::MessageCase> Sent(const std::vector<Action>& actions) {
    std::vector<ConnectResponse::MessageCase> out;
    for (const Action& action : actions)
      if (const auto* send = std::get_if<SendToWorker>(&action))
        out.push_back(send->message.message_case());
    return out;
  }

  static absl::Status Closed(const std::vector<Action>& actions) {
    for (const Action& action : actions)
      if (const auto* close = std::get_if<CloseSession>(&action)) return close->status;
    return absl::OkStatus();
  }

  // The first line that was logged, or "".
  static std::string Logged(const std::vector<Action>& actions) {
    for (const Action& action : actions)
      if (const auto* log = std::get_if<WriteLog>(&action)) return log->message;
    return "";
  }

  Instant now_ = Instant(std::chrono::hours(9));
  std::string stored_;
  std::unique_ptr<ControlLoop> loop_;
};

TEST_F(ControlLoopTest, AHelloIsAnsweredWithEverythingInOrder) {
  Load(OneRule());
  EXPECT_TRUE(loop_->ready());
  using C = ConnectResponse;
  EXPECT_EQ(Sent(Handle(WorkerMessage{1, Hello()})),
            (std::vector<C::MessageCase>{C::kWelcome, C::kHealth, C::kSlots, C::kSnapshot}));
}

TEST_F(ControlLoopTest, ItsSummaryNamesTheRevisionAndTheWorkersThatAreConnected) {
  Load(OneRule());
  EXPECT_EQ(loop_->Summary(), "rev 1, 0 workers");
  Handle(WorkerMessage{1, Hello()});
  EXPECT_EQ(loop_->Summary(), "rev 1, 1 worker");
  // Workers get another version then; the configuration is the same.
  admin::v1::SetBackendWeightRequest weight;
  weight.set_name("rules/web/backends/b");
  weight.set_weight(5);
  EXPECT_EQ(ReasonOf(Ask(weight)), "");
  EXPECT_EQ(loop_->Summary(), "rev 1, 1 worker");
}

TEST_F(ControlLoopTest, BreachesOfTheProtocolEndTheStream) {
  Load(OneRule());
  ConnectRequest ack;
  ack.mutable_ack();
  EXPECT_TRUE(absl::IsInvalidArgument(Closed(Handle(WorkerMessage{1, ack}))));
  EXPECT_TRUE(Handle(WorkerMessage{1, Hello()}).empty());  // The stream is over.
  ConnectRequest future = Hello();
  future.mutable_hello()->set_protocol_min(2);
  EXPECT_TRUE(absl::IsFailedPrecondition(Closed(Handle(WorkerMessage{2, future}))));
  Handle(WorkerMessage{3, Hello()});
  EXPECT_FALSE(Closed(Handle(WorkerMessage{3, Hello()})).ok());
  Handle(WorkerMessage{4, Hello()});
  EXPECT_TRUE(absl::IsAborted(Closed(Handle(WorkerMessage{5, Hello()}))));
}

TEST_F(ControlLoopTest, ABadFileChangesNothingAndIsSeen) {
  Load(OneRule());
  const auto before = std::get<admin::v1::Status>(Ask(admin::v1::GetStatusRequest()).answer);
  EXPECT_TRUE(before.file().good());
  Load(std::nullopt);
  const auto after = std::get<admin::v1::Status>(Ask(admin::v1::GetStatusRequest()).answer);
  EXPECT_FALSE(after.file().good());
  EXPECT_TRUE(after.file().has_bad_since_time());
  EXPECT_EQ(after.running().digest(), before.running().digest());
  EXPECT_EQ(after.rules(), 1u);
}

TEST_F(ControlLoopTest, EachFindingOfABadFileIsALineUpToALimit) {
  const auto lines = [&](size_t findings) {
    ConfigRead read{"lb.yaml", std::nullopt, Findings(findings), findings};
    size_t count = 0;
    for (const Action& action : Handle(read))
      if (std::holds_alternative<WriteLog>(action)) ++count;
    return count;
  };
  EXPECT_EQ(lines(3), 4u) << "and one for the whole";
  EXPECT_EQ(lines(1'000), 21u);
}

TEST_F(ControlLoopTest, TheTimeOfAnOldEventIsTheSameInEveryAnswer) {
  Load(OneRule());
  const auto applied = [&](std::chrono::nanoseconds noise) {
    const WallTime wall(std::chrono::hours(400'000) + now_.time_since_epoch() + noise);
    Reply reply;
    for (Action& action : Handle(AdminRequest{9, admin::v1::GetStatusRequest(), {now_, wall}}))
      if (auto* found = std::get_if<Reply>(&action)) reply = std::move(*found);
    return std::get<admin::v1::Status>(reply.answer).file().applied_time().SerializeAsString();
  };
  const std::string first = applied(std::chrono::nanoseconds(0));
  now_ += std::chrono::seconds(10);
  EXPECT_EQ(applied(std::chrono::nanoseconds(70'000)), first);
  EXPECT_NE(applied(std::chrono::seconds(3)), first) << "the wall clock was set";
}

TEST_F(ControlLoopTest, ARestartSendsNoSnapshotToAWorkerThatRunsIt) {
  Load(OneRule());
  const auto first = std::get<admin::v1::Status>(Ask(admin::v1::GetStatusRequest()).answer);
  Restart(stored_);
  Load(OneRule());
  ConnectRequest hello = Hello();
  *hello.mutable_hello()->mutable_running() = first.running();
  const auto sent = Sent(Handle(WorkerMessage{1, hello}));
  EXPECT_EQ(sent.back(), ConnectResponse::kVersion);
}

TEST_F(ControlLoopTest, UnknownNamesAreNotFoundWithTheNearestOne) {
  Load(OneRule());
  admin::v1::GetRuleRequest request;
  request.set_name("rules/wed");
  const Reply reply = Ask(request);
  ASSERT_TRUE(reply.failure.has_value());
  EXPECT_TRUE(absl::IsNotFound(reply.failure->status));
  EXPECT_EQ(reply.failure->reason, "RULE_NOT_FOUND");
  EXPECT_NE(reply.failure->status.message().find("rules/web"), absl::string_view::npos);
  admin::v1::ListRulesRequest list;
  list.set_page_token("nonsense");
  EXPECT_EQ(ReasonOf(Ask(list)), "PAGE_TOKEN_INVALID");
}

TEST_F(ControlLoopTest, ADrainIsAnOperationThatEndsWhenTheWorkerSaysSo) {
  Load(OneRule());
  Handle(WorkerMessage{1, Hello()});
  admin::v1::DrainWorkerRequest drain;
  drain.set_name("workers/worker-1");
  drain.set_force(true);
  ConnectRequest stats;
  stats.mutable_stats()->set_connections(5);
  Handle(WorkerMessage{1, stats});
  std::string id;
  for (const Action& action : Handle(AdminRequest{1, drain, {now_, {}}})) {
    if (const auto* send = std::get_if<SendToWorker>(&action)) id = send->message.command().id();
    if (const auto* reply = std::get_if<Reply>(&action)) {
      EXPECT_EQ(std::get<admin::v1::Operation>(reply->answer).connections_left(), 5u)
          << "not 0 because the worker has not answered yet";
    }
  }
  ASSERT_FALSE(id.empty());
  EXPECT_EQ(std::get<admin::v1::Operation>(Ask(drain).answer).name(), "operations/1")
      << "asked again, it is the same";
  ConnectRequest status;
  status.mutable_drain()->set_command_id(id);
  status.mutable_drain()->set_done(true);
  Handle(WorkerMessage{1, status});
  admin::v1::GetOperationRequest get;
  get.set_name("operations/1");
  EXPECT_TRUE(std::get<admin::v1::Operation>(Ask(get).answer).done());
}

TEST_F(ControlLoopTest, AnUndrainOfAServingWorkerIsAnOrderLikeAnyOther) {
  Load(OneRule());
  Handle(WorkerMessage{1, Hello()});
  admin::v1::UndrainWorkerRequest undrain;
  undrain.set_name("workers/worker-1");
  EXPECT_EQ(ReasonOf(Ask(undrain)), "");
}

TEST_F(ControlLoopTest, AWorkerThatEndsIsSeenDrainingAndIsNotTakenBack) {
  Load(OneRule());
  Handle(WorkerMessage{1, Hello()});
  ConnectRequest ending;
  ending.mutable_drain()->set_ending(true);
  Handle(WorkerMessage{1, ending});
  admin::v1::GetWorkerRequest get;
  get.set_name("workers/worker-1");
  const auto worker = std::get<admin::v1::Worker>(Ask(get).answer);
  EXPECT_TRUE(worker.draining() && worker.ending());
  admin::v1::UndrainWorkerRequest undrain;
  undrain.set_name("workers/worker-1");
  EXPECT_EQ(ReasonOf(Ask(undrain)), "WORKER_ENDING");
}

TEST_F(ControlLoopTest, AProcessThatGoesWithoutAGoodbyeIsAWarning) {
  for (const bool goodbye : {false, true}) {
    Restart("");
    Load(OneRule());
    Handle(WorkerMessage{1, Hello()});
    ConnectRequest ending;
    ending.mutable_drain()->set_ending(true);
    if (goodbye) Handle(WorkerMessage{1, ending});
    Handle(WorkerStreamEnded{1});
    EXPECT_EQ(Logged(Handle(ProcessGone{42})),
              goodbye ? "worker process is gone" : "worker process is gone without a goodbye");
  }
}

TEST_F(ControlLoopTest, ARefusalIsLoggedWithTheReasonThatWorkersLog) {
  Load(OneRule());
  ConnectRequest message;
  worker::v1::Nack& nack = *message.mutable_nack();
  for (const Action& action : Handle(WorkerMessage{1, Hello()}))
    if (const auto* send = std::get_if<SendToWorker>(&action); send != nullptr)
      if (send->message.has_snapshot())
        *nack.mutable_rejected() = send->message.snapshot().version();
  nack.set_reason(worker::v1::Nack::REASON_BIND_FAILED);
  const std::vector<Action> actions = Handle(WorkerMessage{1, message});
  ASSERT_FALSE(actions.empty());
  const auto* log = std::get_if<WriteLog>(&actions[0]);
  ASSERT_NE(log, nullptr);
  ASSERT_EQ(log->fields.size(), 2u);
  EXPECT_EQ(log->fields[1].second, "bind_failed");
}

TEST_F(ControlLoopTest, AWorkerThatSaysNothingForSecondsIsStaleUntilItSpeaksAgain) {
  Load(OneRule());
  Handle(WorkerMessage{1, Hello()});
  const Instant due = now_ + WorkerTable::kSilentAfter;
  const auto status = [&] {
    return std::get<admin::v1::Status>(Ask(admin::v1::GetStatusRequest()).answer);
  };
  now_ = due - std::chrono::milliseconds(1);
  Handle(TimerFired{});
  EXPECT_EQ(status().workers_stale(), 0u);
  EXPECT_LE(loop_->NextDeadline(), due);
  now_ = due;
  EXPECT_EQ(Logged(Handle(TimerFired{})), "worker is silent; it hangs or is stopped");
  EXPECT_EQ(Logged(Handle(TimerFired{})), "") << "said once";
  EXPECT_EQ(status().workers_stale(), 1u);
  EXPECT_NE(status().alerts(0).message().find("no message"), std::string::npos);
  ConnectRequest stats;
  stats.mutable_stats();
  Handle(WorkerMessage{1, stats});
  EXPECT_EQ(status().workers_stale(), 0u);
}

}  // namespace
}  // namespace lb::controlplane
