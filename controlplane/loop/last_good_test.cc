// A worker that starts while the newest revision cannot be bound runs what workers ran before, also
// when the control plane was restarted in between.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <variant>

#include "base/sha256.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectRequest;
using worker::v1::Nack;

// A configuration of one rule on this port; its text is the port.
Config OnPort(int port) {
  RuleConfig rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", static_cast<uint16_t>(port)).value();
  rule.backends.push_back({.name = "b",
                           .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                           .weight = 1,
                           .max_connections = std::nullopt});
  Config config;
  config.rules.push_back(rule);
  return config;
}

ConfigRead ReadOf(int port) {
  const std::string content = std::to_string(port);
  ConfigRead read{"lb.yaml", OnPort(port), {}, 0};
  read.content = content;
  read.digest = Sha256(content);
  return read;
}

class LastGoodTest : public testing::Test {
 protected:
  LastGoodTest() { Restart(); }

  void Restart() {
    std::vector<Action> actions;
    ControlLoop::Options options{.node_id = "node",
                                 .incarnation = "one",
                                 .pid = 1,
                                 .start_time = {},
                                 .seed = 1,
                                 .boot_id = "",
                                 .stored_state = stored_};
    options.revisions = kept_;
    loop_ = std::make_unique<ControlLoop>(std::move(options), now_, actions);
    Note(actions);
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Note(actions);
  }

  void Note(const std::vector<Action>& actions) {
    for (const Action& action : actions) {
      if (const auto* save = std::get_if<SaveState>(&action)) stored_ = save->bytes;
      if (const auto* keep = std::get_if<KeepRevision>(&action))
        kept_[keep->number] = keep->content;
      if (const auto* asked = std::get_if<TryConfig>(&action)) tried_.push_back(*asked);
      const auto* send = std::get_if<SendToWorker>(&action);
      if (send != nullptr && send->message.has_snapshot())
        sent_[send->session] = send->message.snapshot();
    }
  }

  // The port that was sent last to a session; 0: none since the last answer.
  int PortSent(SessionId session) const {
    const auto sent = sent_.find(session);
    if (sent == sent_.end()) return 0;
    type::v1::Snapshot snapshot;
    EXPECT_TRUE(snapshot.ParseFromString(sent->second.data()));
    return Endpoint::Parse(snapshot.rules(0).listen()).value().port();
  }

  void Connect(SessionId session) {
    Handle(WorkerMessage{
        session, HelloOf("w" + std::to_string(session), "i", static_cast<uint32_t>(40 + session))});
  }

  void Ack(SessionId session) {
    ConnectRequest ack;
    *ack.mutable_ack()->mutable_version() = sent_.at(session).version();
    sent_.erase(session);
    Handle(WorkerMessage{session, ack});
  }

  void CannotBind(SessionId session) {
    ConnectRequest nack;
    *nack.mutable_nack()->mutable_rejected() = sent_.at(session).version();
    nack.mutable_nack()->set_reason(Nack::REASON_BIND_FAILED);
    sent_.erase(session);
    Handle(WorkerMessage{session, nack});
  }

  // Until the next try of what could not be bound.
  void Wait() {
    now_ = loop_->NextDeadline();
    Handle(TimerFired{});
  }

  Instant now_ = Instant(std::chrono::hours(9));
  std::string stored_;
  std::map<uint64_t, std::string> kept_;
  std::map<SessionId, worker::v1::SnapshotPart> sent_;
  std::vector<TryConfig> tried_;
  std::unique_ptr<ControlLoop> loop_;
};

TEST_F(LastGoodTest, AWorkerThatStartsThenRunsItAndLaterTheNewest) {
  Handle(ReadOf(8001));
  Connect(1);
  Ack(1);
  Handle(ReadOf(8002));
  CannotBind(1);
  Connect(2);
  ASSERT_EQ(PortSent(2), 8002) << "the newest comes first";
  CannotBind(2);
  EXPECT_EQ(PortSent(2), 8001);
  Ack(2);
  while (PortSent(2) == 0) Wait();
  EXPECT_EQ(PortSent(2), 8002);
  Ack(2);
  EXPECT_TRUE(tried_.empty()) << "its bytes were there";
}

TEST_F(LastGoodTest, ItIsMadeAgainAfterARestart) {
  Handle(ReadOf(8001));
  Connect(1);
  Ack(1);
  now_ += std::chrono::seconds(1);
  Handle(TimerFired{});
  Handle(ReadOf(8002));
  CannotBind(1);
  Restart();
  Handle(ReadOf(8002));
  Connect(2);
  CannotBind(2);
  ASSERT_EQ(tried_.size(), 1u);
  EXPECT_EQ(tried_[0].content, "8001");
  EXPECT_FALSE(tried_[0].write);
  Handle(ConfigTried{tried_[0].token, absl::OkStatus(), "", ReadOf(8001)});
  EXPECT_EQ(PortSent(2), 8001);
  const type::v1::ConfigVersion good = sent_.at(2).version();
  Ack(2);
  while (PortSent(2) == 0) Wait();
  EXPECT_EQ(PortSent(2), 8002);
  EXPECT_GT(sent_.at(2).version().epoch(), good.epoch());
}

TEST_F(LastGoodTest, WithNothingThatEverRanThereIsNothingToSend) {
  Handle(ReadOf(8002));
  Connect(1);
  CannotBind(1);
  EXPECT_EQ(PortSent(1), 0);
  EXPECT_TRUE(tried_.empty());
}

}  // namespace
}  // namespace lb::controlplane
