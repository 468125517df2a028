// What a control plane still knows after a restart or a lost stream, and what it then says.
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_node.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectRequest;

Config CheckedRule(const std::string& backend) {
  RuleConfig rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  rule.health_check.enabled = true;
  rule.backends.push_back({"b", Endpoint::Parse(backend).value(), 1, std::nullopt});
  Config config;
  config.rules.push_back(rule);
  return config;
}

ConnectRequest Hello() {
  ConnectRequest message;
  worker::v1::Hello& hello = *message.mutable_hello();
  hello.mutable_worker()->set_id("worker-1");
  hello.mutable_worker()->set_incarnation("i1");
  hello.mutable_worker()->set_pid(42);
  hello.set_protocol_min(1);
  hello.set_protocol_max(1);
  return message;
}

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() { Restart(); }

  void Restart(bool damaged = false) {
    std::vector<Action> actions;
    loop_ = NodeOf(stored_, now_, actions, damaged);
    Note(std::move(actions));
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Note(std::move(actions));
  }

  void Load(const std::string& backend = "10.0.0.1:80") {
    Handle(ConfigRead{"lb.yaml", CheckedRule(backend), {}, 0});
  }

  void LoadLimited() {
    Config config = CheckedRule("10.0.0.1:80");
    config.rules[0].health_check.enabled = false;
    config.rules[0].backends[0].max_connections = 10;
    Handle(ConfigRead{"lb.yaml", config, {}, 0});
  }

  // A worker that runs what this life would send first, with slots of an earlier life.
  ConnectRequest Served(const std::string& incarnation) {
    ConnectRequest message = Hello();
    worker::v1::Hello& hello = *message.mutable_hello();
    hello.mutable_worker()->set_id(incarnation);
    hello.mutable_worker()->set_incarnation(incarnation);
    hello.mutable_worker()->set_pid(50);
    *hello.mutable_running() = Ask<admin::v1::Status>(admin::v1::GetStatusRequest()).running();
    worker::v1::SlotEntry& slots = *hello.add_slots();
    slots.set_rule("web");
    slots.set_backend("b");
    slots.set_granted(2);
    return message;
  }

  // The most slots that the last turn granted.
  uint64_t Granted() const {
    uint64_t most = 0;
    for (const Action& action : last_)
      if (const auto* send = std::get_if<SendToWorker>(&action))
        for (const auto& entry : send->message.slots().entries())
          most = std::max<uint64_t>(most, entry.slots());
    return most;
  }

  // Lets the next check run and answers it.
  void Check(bool passed, const std::string& detail) {
    probe_.reset();
    while (!probe_) {
      now_ = std::max(now_, loop_->NextDeadline());
      Handle(TimerFired{});
    }
    Handle(ProbeDone{*probe_, passed, detail, {}});
    now_ += std::chrono::seconds(1);  // Past the pause between two writes of the state.
    Handle(TimerFired{});
  }

  void Note(std::vector<Action> actions) {
    for (const Action& action : actions) {
      if (const auto* save = std::get_if<SaveState>(&action)) stored_ = save->bytes;
      if (const auto* start = std::get_if<StartProbe>(&action)) probe_ = start->probe;
    }
    last_ = std::move(actions);
  }

  template <typename Answer>
  Answer Ask(AdminCall call) {
    Handle(AdminRequest{9, std::move(call), {now_, {}}});
    for (Action& action : last_)
      if (auto* reply = std::get_if<Reply>(&action)) {
        EXPECT_FALSE(reply->failure.has_value()) << reply->failure->status;
        return std::get<Answer>(reply->answer);
      }
    ADD_FAILURE() << "no reply";
    return {};
  }

  // What the status says of the only backend; empty when it says nothing.
  std::string Alert() {
    const auto status = Ask<admin::v1::Status>(admin::v1::GetStatusRequest());
    for (const admin::v1::Alert& alert : status.alerts())
      if (alert.resource().find("/backends/") != std::string::npos) return alert.message();
    return "";
  }

  Instant now_ = Instant(std::chrono::hours(9));
  std::string stored_;
  std::optional<ProbeId> probe_;
  std::vector<Action> last_;
  std::unique_ptr<ControlLoop> loop_;
};

TEST_F(RecoveryTest, HealthSurvivesAnyNumberOfStartsThatNeverSawAConfiguration) {
  Load();
  Check(false, "refused");
  for (int i = 0; i < 3; ++i) Restart();
  Load();
  EXPECT_EQ(Alert(), "down as last known; not checked yet");
}

TEST_F(RecoveryTest, AnAlertTellsPassedChecksThatAreStillTooFew) {
  Load();
  Check(false, "connect refused");
  EXPECT_EQ(Alert(), "down: connect refused");
  Check(true, "HTTP 200");
  EXPECT_EQ(Alert(), "down, 1 of 2 checks passed");
  Check(false, "HTTP 503");
  EXPECT_EQ(Alert(), "down: HTTP 503");
  Check(true, "HTTP 200");
  Check(true, "HTTP 200");
  EXPECT_EQ(Alert(), "");
}

TEST_F(RecoveryTest, ADrainThatWasLostWithItsStreamIsSentAgainAndShown) {
  Load();
  Handle(WorkerMessage{1, Hello()});
  admin::v1::DrainWorkerRequest drain;
  drain.set_name("workers/worker-1");
  drain.set_force(true);
  Ask<admin::v1::Operation>(drain);
  Handle(WorkerStreamEnded{1});
  Handle(WorkerMessage{2, Hello()});
  int drains = 0;
  for (const Action& action : last_)
    if (const auto* send = std::get_if<SendToWorker>(&action))
      drains += send->message.command().has_drain() ? 1 : 0;
  EXPECT_EQ(drains, 1);
  admin::v1::GetWorkerRequest get;
  get.set_name("workers/worker-1");
  EXPECT_TRUE(Ask<admin::v1::Worker>(get).draining());
}

TEST_F(RecoveryTest, AWildEpochOfOneWorkerLocksNobodyOut) {
  Load();
  ConnectRequest wild = Hello();
  wild.mutable_hello()->mutable_worker()->set_incarnation("wild");
  wild.mutable_hello()->mutable_running()->set_epoch(uint64_t{1} << 62);
  wild.mutable_hello()->mutable_running()->set_digest(std::string(32, 'x'));
  Handle(WorkerMessage{1, wild});
  ConnectRequest good = Hello();
  *good.mutable_hello()->mutable_running() =
      Ask<admin::v1::Status>(admin::v1::GetStatusRequest()).running();
  Handle(WorkerMessage{2, good});
  for (const Action& action : last_) EXPECT_FALSE(std::holds_alternative<CloseSession>(action));
}

TEST_F(RecoveryTest, AStoredWorkerWhosePidIsAnothersGivesItsSlotsToTheNewOne) {
  Load();
  Handle(WorkerMessage{1, Hello(), 70});
  Restart();
  uint64_t watched = 0;
  for (const Action& action : last_)
    if (const auto* watch = std::get_if<WatchProcess>(&action)) watched = watch->start_ticks;
  EXPECT_EQ(watched, 70u);
  ConnectRequest later = Hello();
  later.mutable_hello()->mutable_worker()->set_incarnation("i2");
  Handle(WorkerMessage{1, later, 90});
  const auto status = Ask<admin::v1::Status>(admin::v1::GetStatusRequest());
  EXPECT_EQ(status.workers_disconnected(), 0u);
}

TEST_F(RecoveryTest, AWorkerThatNobodyKnowsMeansThatOthersMayHoldSlotsToo) {
  LoadLimited();
  Handle(WorkerMessage{1, Served("w1")});
  EXPECT_EQ(Granted(), 2u);  // As the same version in another life: it keeps what it has.
  Restart();
  LoadLimited();
  Handle(WorkerMessage{2, Hello()});
  EXPECT_EQ(Granted(), 0u);  // Over a restart too.
  now_ += std::chrono::seconds(15);
  Handle(TimerFired{});
  EXPECT_GT(Granted(), 0u);
}

TEST_F(RecoveryTest, AWorkerThatIsKnownGainsSlotsAtOnceAfterARestart) {
  LoadLimited();
  Handle(WorkerMessage{1, Hello()});
  EXPECT_EQ(Granted(), 10u);  // The first start ever.
  Restart();
  LoadLimited();
  ConnectRequest back = Served("w1");
  back.mutable_hello()->mutable_worker()->CopyFrom(Hello().hello().worker());
  now_ += std::chrono::seconds(1);
  Handle(WorkerMessage{2, back});
  EXPECT_EQ(Granted(), 10u);
}

TEST_F(RecoveryTest, RightsThatAProcessGaveToTheNextOneAreCountedOnce) {
  LoadLimited();
  Handle(WorkerMessage{1, Hello()});
  EXPECT_EQ(Granted(), 10u);
  Restart();
  LoadLimited();
  ConnectRequest next = Served("i2");
  worker::v1::Hello& hello = *next.mutable_hello();
  hello.mutable_worker()->set_id("worker-1");
  hello.add_took_over("i1");
  hello.mutable_slots(0)->set_granted(3);
  hello.mutable_slots(0)->set_held(3);
  now_ += std::chrono::seconds(1);
  Handle(WorkerMessage{2, next});
  EXPECT_EQ(Granted(), 3u);  // The other seven are the first one's still.
}

TEST_F(RecoveryTest, WithADamagedStateNobodyGainsSlotsForAWhile) {
  stored_.clear();
  Restart(true);
  LoadLimited();
  Handle(WorkerMessage{1, Hello()});
  EXPECT_EQ(Granted(), 0u);
  now_ += std::chrono::seconds(15);
  Handle(TimerFired{});
  EXPECT_EQ(Granted(), 10u);
}

TEST_F(RecoveryTest, AFailedQueryIsLoggedWithItsName) {
  Load("app.internal:80");
  QueryId query = 0;
  for (const Action& action : last_)
    if (const auto* resolve = std::get_if<ResolveName>(&action)) query = resolve->query;
  const auto named = [&] {
    for (const Action& action : last_)
      if (const auto* log = std::get_if<WriteLog>(&action))
        for (const auto& [key, value] : log->fields)
          if (key == "name" && value == "app.internal:80") return true;
    return false;
  };
  Handle(Resolved{query + 1, absl::NotFoundError("NXDOMAIN"), {}, {}});
  EXPECT_FALSE(named());  // Nobody asked that.
  Handle(Resolved{query, absl::NotFoundError("NXDOMAIN"), {}, {}});
  EXPECT_TRUE(named());
}

}  // namespace
}  // namespace lb::controlplane
