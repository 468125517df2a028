// Questions about limits and clients: gathered from the workers, explained from the configuration.
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/loop/test_node.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;
using worker::v1::ClientReport;
using worker::v1::ConnectRequest;
using Explained = admin::v1::ExplainConnectionResponse;

Config Limited() {
  RuleConfig rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  for (const char* name : {"a", "b"})
    rule.backends.push_back({.name = name,
                             .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                             .max_connections = std::nullopt});
  rule.own_rate_limit = true;
  rule.rate_limit = RateLimitConfig{.requests_per_second = 10, .burst = 20};
  rule.max_connections = 5;
  rule.max_connections_per_client = 10;
  rule.outlier_detection.emplace();
  rule.deny = {Cidr::Parse("10.0.0.0/8").value()};
  rule.allow = {Cidr::Parse("10.1.0.0/16").value(), Cidr::Parse("192.0.2.0/24").value()};
  Config config;
  config.rules.push_back(rule);
  return config;
}

class ClientTurnTest : public testing::Test {
 protected:
  ClientTurnTest() {
    std::vector<Action> actions;
    loop_ = NodeOf("", now_, actions);
    Handle(ConfigRead{"lb.yaml", Limited(), {}, 0});
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    for (const Action& action : actions) {
      if (const auto* reply = std::get_if<Reply>(&action)) replies_.push_back(*reply);
      const auto* send = std::get_if<SendToWorker>(&action);
      if (send != nullptr && send->message.command().has_look_at_clients()) asked_.push_back(*send);
    }
  }

  void Connect(SessionId session, const std::string& id, const std::vector<std::string>& features) {
    Handle(WorkerMessage{session, HelloOf(id, "i", static_cast<uint32_t>(40 + session), features)});
  }

  void Ask(AdminCall call) {
    Handle(AdminRequest{9, std::move(call), {now_, WallTime(seconds(1'700'000'000))}});
  }

  // A report of `session` on the newest question.
  ConnectRequest ReportOf(double connects_per_s, double tokens) const {
    ConnectRequest message;
    ClientReport& report = *message.mutable_clients();
    report.set_command_id(asked_.back().message.command().id());
    ClientReport::Limit& limit = *report.add_limits();
    limit.set_rule("web");
    ClientReport::Client& client = *limit.add_clients();
    client.set_client("10.1.2.3");
    client.set_connects_per_s(connects_per_s);
    *limit.mutable_asked() = client;
    limit.mutable_asked()->set_tokens(tokens);
    ClientReport::Candidate& candidate = *report.add_candidates();
    candidate.set_backend("b");
    candidate.set_weight(weight_);
    candidate.set_full(full_);
    candidate.set_ejected(ejected_);
    report.set_panic(panic_);
    report.mutable_connections()->set_open(open_);
    report.mutable_connections()->set_slots(10);
    return message;
  }

  Explained Explain(const std::string& client, double tokens, const std::string& via = "") {
    replies_.clear();
    admin::v1::ExplainConnectionRequest request;
    request.set_rule("rules/web");
    request.set_client(client);
    request.set_via(via);
    Ask(request);
    Handle(WorkerMessage{1, ReportOf(1, tokens)});
    return std::get<Explained>(replies_.at(0).answer);
  }

  Instant now_ = Instant(seconds(1'000));
  std::unique_ptr<ControlLoop> loop_;
  uint64_t open_ = 3;    // What workers report of a client.
  uint64_t weight_ = 7;  // And of a backend.
  bool full_ = false;    // Likewise.
  bool ejected_ = false;
  bool panic_ = false;
  std::vector<Reply> replies_;
  std::vector<SendToWorker> asked_;
};

TEST_F(ClientTurnTest, OneClientIsSummedUpOverTheWorkersThatKnowIt) {
  Connect(1, "w1", {"clients"});
  Connect(2, "w2", {"clients"});
  Connect(3, "old", {});
  admin::v1::ListClientsRequest request;
  request.set_limit(7);
  Ask(request);
  ASSERT_EQ(asked_.size(), 2u);
  EXPECT_EQ(asked_[0].message.command().look_at_clients().top(), 7u);
  Handle(WorkerMessage{1, ReportOf(3, 1)});
  EXPECT_TRUE(replies_.empty());
  Handle(WorkerMessage{2, ReportOf(4, 1)});
  ASSERT_EQ(replies_.size(), 1u);
  const auto answer = std::get<admin::v1::ListClientsResponse>(replies_[0].answer);
  ASSERT_EQ(answer.clients_size(), 1);
  EXPECT_EQ(answer.clients(0).rule(), "rules/web");
  EXPECT_EQ(answer.clients(0).connects_per_s(), 7);
  EXPECT_EQ(answer.clients(0).buckets_size(), 2);
  ASSERT_EQ(answer.workers_missing_size(), 1);
  EXPECT_EQ(answer.workers_missing(0), "workers/old");
}

// A client that is busy has a budget in every worker, so that a sum would count it twice.
TEST_F(ClientTurnTest, BusyClientsAreTheMostThatOneWorkerHas) {
  Connect(1, "w1", {"clients"});
  Connect(2, "w2", {"clients"});
  Ask(admin::v1::ListLimitsRequest());
  for (const SessionId session : {1u, 2u}) {
    ConnectRequest report = ReportOf(1, 1);
    report.mutable_clients()->mutable_limits(0)->set_busy_clients(session == 1 ? 5 : 4);
    // Of a rule that is gone, though this worker still has it.
    auto& gone = *report.mutable_clients()->add_limits();
    gone.set_rule("gone");
    gone.set_busy_clients(9);
    Handle(WorkerMessage{session, report});
  }
  ASSERT_EQ(replies_.size(), 1u);
  const auto answer = std::get<admin::v1::ListLimitsResponse>(replies_[0].answer);
  ASSERT_EQ(answer.limits_size(), 3);
  EXPECT_EQ(answer.limits(0).rule(), "rules/web");
  EXPECT_EQ(answer.limits(0).busy_clients(), 5u);
}

TEST_F(ClientTurnTest, AWorkerThatSaysNothingIsNamedAndNotWaitedForLong) {
  Connect(1, "w1", {"clients"});
  Ask(admin::v1::ListLimitsRequest());
  EXPECT_TRUE(replies_.empty());
  EXPECT_LE(loop_->NextDeadline(), now_ + seconds(3));
  now_ += seconds(3);
  Handle(TimerFired{});
  ASSERT_EQ(replies_.size(), 1u);
  const auto answer = std::get<admin::v1::ListLimitsResponse>(replies_[0].answer);
  EXPECT_EQ(answer.workers_missing(0), "workers/w1");
  ASSERT_EQ(answer.limits_size(), 3);
  EXPECT_EQ(answer.limits(0).rate_per_s(), 10);
  EXPECT_EQ(answer.limits(1).max_connections(), 5u);
  EXPECT_EQ(answer.limits(2).kind(), admin::v1::Limit::KIND_CLIENT_CONNECTIONS);
  EXPECT_EQ(answer.limits(2).max_connections(), 10u);
}

TEST_F(ClientTurnTest, NobodyToAskIsAFailureWithAReason) {
  Ask(admin::v1::ListClientsRequest());
  ASSERT_EQ(replies_.size(), 1u);
  EXPECT_EQ(replies_[0].failure->reason, "WORKER_DISCONNECTED");
  Connect(1, "old", {});
  Ask(admin::v1::ListClientsRequest());
  EXPECT_EQ(replies_.at(1).failure->reason, "MISSING_FEATURE");
}

TEST_F(ClientTurnTest, LimitsAreListedThoughNobodyCanBeAsked) {
  Ask(admin::v1::ListLimitsRequest());
  const auto alone = std::get<admin::v1::ListLimitsResponse>(replies_.at(0).answer);
  EXPECT_EQ(alone.limits_size(), 3);
  EXPECT_TRUE(alone.nobody_answered());
  EXPECT_EQ(alone.workers_missing_size(), 0);
  Connect(1, "old", {});
  Ask(admin::v1::ListLimitsRequest());
  const auto old = std::get<admin::v1::ListLimitsResponse>(replies_.at(1).answer);
  EXPECT_EQ(old.limits_size(), 3);
  EXPECT_EQ(old.workers_missing(0), "workers/old");
}

TEST_F(ClientTurnTest, NothingIsClaimedOfWhatNoWorkerSaid) {
  Connect(1, "w1", {"clients"});
  admin::v1::ExplainConnectionRequest request;
  request.set_rule("rules/web");
  request.set_client("10.1.2.3");
  Ask(request);
  now_ += seconds(3);
  Handle(TimerFired{});
  const auto silent = std::get<Explained>(replies_.at(0).answer);
  EXPECT_TRUE(silent.nobody_answered());
  ASSERT_EQ(silent.checks_size(), 6);
  EXPECT_EQ(silent.checks(0).verdict(), Explained::VERDICT_PASSED);
  for (const int unknown : {1, 5}) {
    EXPECT_EQ(silent.checks(unknown).verdict(), Explained::VERDICT_DEPENDS);
    EXPECT_EQ(silent.checks(unknown).why(), "no worker answered");
  }
  EXPECT_EQ(silent.checks(2).verdict(), Explained::VERDICT_DEPENDS);
  EXPECT_EQ(silent.candidates(0).why_out(), "no worker answered");

  Ask(request);
  ConnectRequest report = ReportOf(1, 1);
  report.mutable_clients()->clear_limits();
  Handle(WorkerMessage{1, report});
  const auto other = std::get<Explained>(replies_.at(1).answer);
  EXPECT_FALSE(other.nobody_answered());
  EXPECT_EQ(other.checks(1).verdict(), Explained::VERDICT_DEPENDS);
}

TEST_F(ClientTurnTest, Ipv4ClientsAreInNoNetworkOfIpv6) {
  Config config = Limited();
  config.rules[0].allow = {Cidr::Parse("::/0").value()};
  config.rules[0].deny = {};
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  Connect(1, "w1", {"clients"});
  for (const char* client : {"10.1.2.3", "::ffff:10.1.2.3"})
    EXPECT_EQ(Explain(client, 2).checks(0).verdict(), Explained::VERDICT_REFUSED) << client;
  EXPECT_EQ(Explain("fd00::1", 2).checks(0).verdict(), Explained::VERDICT_PASSED);
}

TEST_F(ClientTurnTest, WhatASharedLimitRefusedIsThatOfAllItsRules) {
  Config config;
  config.rate_limit = RateLimitConfig{.requests_per_second = 10};
  for (const char* name : {"web", "api"}) {
    RuleConfig& rule = config.rules.emplace_back();
    rule.name = name;
    rule.listen = Endpoint::FromIp("127.0.0.1", static_cast<uint16_t>(name[0])).value();
  }
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  Connect(1, "w1", {"clients"});
  ConnectRequest stats;
  for (const char* name : {"web", "api"}) {
    auto& rule = *stats.mutable_stats()->add_rules();
    rule.set_rule(name);
    (*rule.mutable_refused_total())["rate_limit"] = 3;
  }
  Handle(WorkerMessage{1, stats});
  for (const char* name : {"", "rules/web"}) {
    replies_.clear();
    admin::v1::ListLimitsRequest request;
    request.set_rule(name);
    Ask(request);
    Handle(WorkerMessage{1, ReportOf(1, 1)});
    const auto answer = std::get<admin::v1::ListLimitsResponse>(replies_.at(0).answer);
    ASSERT_EQ(answer.limits_size(), 1) << name;
    EXPECT_EQ(answer.limits(0).refused_total(), 6u) << name;
  }
}

TEST_F(ClientTurnTest, EveryCheckIsExplainedInOrder) {
  Connect(1, "w1", {"clients"});
  const Explained good = Explain("10.1.2.3", 2);
  ASSERT_EQ(good.checks_size(), 6);
  EXPECT_EQ(good.checks(0).name(), "allow");
  EXPECT_EQ(good.checks(0).why(), "10.1.0.0/16 decides");
  EXPECT_EQ(good.checks(1).name(), "rate_limit");
  EXPECT_EQ(good.checks(2).name(), "max_connections_per_client");
  EXPECT_EQ(good.checks(2).why(), "3 of 10 open");
  EXPECT_EQ(good.checks(3).name(), "max_connections");
  EXPECT_EQ(good.checks(4).name(), "outlier_detection");
  EXPECT_EQ(good.checks(4).why(), "no backend is left out");
  EXPECT_EQ(good.checks(5).name(), "backends");
  for (const Explained::Check& check : good.checks())
    EXPECT_EQ(check.verdict(), Explained::VERDICT_PASSED) << check.name();
  ASSERT_EQ(good.candidates_size(), 2);
  EXPECT_NE(good.candidates(0).why_out(), "");
  EXPECT_EQ(good.candidates(1).share_ratio(), 1);

  const Explained denied = Explain("10.2.0.1", 0.5);
  EXPECT_EQ(denied.checks(0).name(), "deny");
  EXPECT_EQ(denied.checks(0).verdict(), Explained::VERDICT_REFUSED);
  EXPECT_EQ(denied.checks(1).verdict(), Explained::VERDICT_REFUSED);
  EXPECT_EQ(Explain("203.0.113.1", 2).checks(0).verdict(), Explained::VERDICT_REFUSED);
}

TEST_F(ClientTurnTest, AClientThatHasAllItsConnectionsOpenIsRefused) {
  Connect(1, "w1", {"clients"});
  open_ = 10;
  const Explained full = Explain("10.1.2.3", 2);
  EXPECT_EQ(full.checks(2).verdict(), Explained::VERDICT_REFUSED);
  EXPECT_EQ(full.checks(2).why(), "10 of 10 open");
}

TEST_F(ClientTurnTest, WithRoomInSomeWorkersItDependsOnTheOneThatIsMet) {
  Connect(1, "w1", {"clients"});
  Connect(2, "w2", {"clients"});
  admin::v1::ExplainConnectionRequest request;
  request.set_rule("rules/web");
  request.set_client("10.1.2.3");
  Ask(request);
  Handle(WorkerMessage{1, ReportOf(1, 2)});
  open_ = 12;
  Handle(WorkerMessage{2, ReportOf(1, 2)});
  const auto explained = std::get<Explained>(replies_.at(0).answer);
  EXPECT_EQ(explained.checks(2).verdict(), Explained::VERDICT_DEPENDS);
  EXPECT_EQ(explained.checks(2).why(), "15 of 10 open in 2 workers, 1 of them with room");
}

TEST_F(ClientTurnTest, AnEjectedBackendIsNamedWithTheTimeOfItsReturn) {
  Connect(1, "w1", {"clients"});
  ConnectRequest stats;
  auto& backend = *stats.mutable_stats()->add_backends();
  backend.set_rule("web");
  backend.set_backend("b");
  backend.set_ejections_total(1);
  backend.mutable_ejection()->set_reason("reset");
  backend.mutable_ejection()->mutable_returns_in()->set_seconds(30);
  Handle(WorkerMessage{1, stats});
  weight_ = 0;
  const Explained explained = Explain("10.1.2.3", 2);
  EXPECT_EQ(explained.checks(4).why(), "left out: b until 2023-11-14T22:13:50Z (reset)");
  EXPECT_EQ(explained.candidates(1).why_out(), "ejected until 2023-11-14T22:13:50Z (reset)");
}

TEST_F(ClientTurnTest, BadQuestionsAreRefused) {
  Connect(1, "w1", {"clients"});
  admin::v1::ListClientsRequest many;
  many.set_limit(1'001);
  Ask(many);
  EXPECT_EQ(replies_.at(0).failure->reason, "FIELD_INVALID");
  admin::v1::ExplainConnectionRequest request;
  request.set_rule("rules/web");
  request.set_client("example.com");
  Ask(request);
  EXPECT_EQ(replies_.at(1).failure->reason, "FIELD_INVALID");
  request.set_rule("rules/none");
  Ask(request);
  EXPECT_EQ(replies_.at(2).failure->reason, "RULE_NOT_FOUND");
}

// The check of that name, or an empty one.
Explained::Check CheckOf(const Explained& explained, const std::string& name) {
  for (const Explained::Check& check : explained.checks())
    if (check.name() == name) return check;
  return {};
}

TEST_F(ClientTurnTest, WhereAllAreFullAndTheQueueHasRoomItWouldWait) {
  Config config = Limited();
  config.rules[0].queue = QueueConfig{.max = 10, .timeout = std::chrono::seconds(12)};
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  Connect(1, "w1", {"clients"});
  full_ = true;
  ConnectRequest stats;
  auto& rule = *stats.mutable_stats()->add_rules();
  rule.set_rule("web");
  rule.set_queued(1);
  Handle(WorkerMessage{1, stats});
  const Explained waits = Explain("10.1.2.3", 2);
  EXPECT_EQ(CheckOf(waits, "backends").verdict(), Explained::VERDICT_WAITS);
  EXPECT_EQ(CheckOf(waits, "queue").verdict(), Explained::VERDICT_WAITS);
  EXPECT_EQ(CheckOf(waits, "queue").why(), "would wait in the queue (1 of 10 waiting, up to 12s)");
  rule.set_queued(10);
  Handle(WorkerMessage{1, stats});
  const Explained refused = Explain("10.1.2.3", 2);
  EXPECT_EQ(CheckOf(refused, "queue").verdict(), Explained::VERDICT_REFUSED);
  EXPECT_EQ(CheckOf(refused, "queue").why(), "the queue is full: 10 of 10 waiting");
}

TEST_F(ClientTurnTest, AnEjectionIsToldOfWithItsDateAndNeverContradicted) {
  Connect(1, "w1", {"clients"});
  weight_ = 0;
  ejected_ = true;
  const Explained early = Explain("10.1.2.3", 2);  // The worker has not reported it yet.
  EXPECT_EQ(CheckOf(early, "outlier_detection").why(), "left out: b a moment ago");
  EXPECT_EQ(early.candidates(1).why_out(), "ejected a moment ago");
  ConnectRequest stats;
  auto& backend = *stats.mutable_stats()->add_backends();
  backend.set_rule("web");
  backend.set_backend("b");
  backend.mutable_ejection()->set_reason("rst");
  backend.mutable_ejection()->mutable_returns_in()->set_seconds(17);
  Handle(WorkerMessage{1, stats});
  const Explained told = Explain("10.1.2.3", 2);
  EXPECT_EQ(told.candidates(1).why_out(), "ejected until 2023-11-14T22:13:37Z (rst)");
  EXPECT_EQ(CheckOf(told, "outlier_detection").why(),
            "left out: b until 2023-11-14T22:13:37Z (rst)");
}

TEST_F(ClientTurnTest, PanicIsACheckAndSaysWhichBackendsAreUsedForIt) {
  Config config = Limited();
  config.rules[0].balance.panic_threshold_percent = 60;
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  Connect(1, "w1", {"clients"});
  EXPECT_EQ(CheckOf(Explain("10.1.2.3", 2), "panic_threshold").why(), "");
  panic_ = true;
  ejected_ = true;
  const Explained panic = Explain("10.1.2.3", 2);
  EXPECT_EQ(CheckOf(panic, "panic_threshold").why(),
            "panic in 1 of 1 workers: fewer than 60% of the backends are usable, so all are used");
  EXPECT_EQ(panic.candidates(1).why_out(), "");
  EXPECT_EQ(panic.candidates(1).why_in(), "ejected a moment ago; used in panic");
}

TEST_F(ClientTurnTest, BehindAProxyTheClientIsWhoTheHeaderNames) {
  Config config = Limited();
  config.rules[0].proxy_protocol.accept = true;
  config.rules[0].proxy_protocol.from = {Cidr::Parse("172.16.0.0/12").value()};
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  Connect(1, "w1", {"clients"});
  const Explained named = Explain("10.1.2.3", 2, "172.16.0.1");
  EXPECT_EQ(CheckOf(named, "proxy_protocol").verdict(), Explained::VERDICT_PASSED);
  EXPECT_EQ(CheckOf(named, "allow").why(), "10.1.0.0/16 decides");
  EXPECT_EQ(asked_.back().message.command().look_at_clients().client(), "10.1.2.3");
  const Explained alone = Explain("10.1.2.3", 2);
  EXPECT_EQ(CheckOf(alone, "proxy_protocol").verdict(), Explained::VERDICT_REFUSED);
  EXPECT_NE(CheckOf(alone, "proxy_protocol").why().find("--via"), std::string::npos);
  config.rules[0].proxy_protocol.refuse_others = false;
  Handle(ConfigRead{"lb.yaml", config, {}, 0});
  // Its header is not read: the limits meet the proxy itself.
  Explain("10.1.2.3", 2, "192.0.2.9");
  EXPECT_EQ(asked_.back().message.command().look_at_clients().client(), "192.0.2.9");
}

TEST_F(ClientTurnTest, AProxyOfARuleThatReadsNoHeaderIsRefused) {
  Connect(1, "w1", {"clients"});
  admin::v1::ExplainConnectionRequest request;
  request.set_rule("rules/web");
  request.set_client("10.1.2.3");
  request.set_via("172.16.0.1");
  Ask(request);
  EXPECT_NE(replies_.at(0).failure->status.message().find("reads no PROXY header"),
            std::string::npos);
}

TEST_F(ClientTurnTest, AClientUnderALimitThatOnlyCountsIsMarked) {
  Config config = Limited();
  for (const auto enforce : {RateLimitConfig::Enforce::kOn, RateLimitConfig::Enforce::kShadow}) {
    replies_.clear();
    config.rules[0].rate_limit->enforce = enforce;
    Handle(ConfigRead{"lb.yaml", config, {}, 0});
    if (enforce == RateLimitConfig::Enforce::kOn) Connect(1, "w1", {"clients"});
    Ask(admin::v1::ListClientsRequest());
    Handle(WorkerMessage{1, ReportOf(1, 1)});
    const auto answer = std::get<admin::v1::ListClientsResponse>(replies_.at(0).answer);
    EXPECT_EQ(answer.clients(0).shadow(), enforce == RateLimitConfig::Enforce::kShadow);
  }
}

}  // namespace
}  // namespace lb::controlplane
