#include <map>
#include <set>
#include <string>
#include <vector>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/status_answer.h"
#include "controlplane/admin/worker_answers.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

template <typename Answer>
std::string ReasonOf(const Outcome<Answer>& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  return failure == nullptr ? "" : failure->reason;
}

TEST_F(AnswersTest, PagesGiveEveryBackendOnceWhateverTheirSize) {
  AddRule("a", {"1", "2", "3"});
  AddRule("a-b", {"1"});
  AddRule("c", {"1@10.0.0.1:80", "2"});
  const std::vector<std::string> all = {"rules/a/backends/1",
                                        "rules/a/backends/2",
                                        "rules/a/backends/3",
                                        "rules/a-b/backends/1",
                                        "rules/c/backends/1@10.0.0.1:80",
                                        "rules/c/backends/2"};
  for (int32_t size = 1; size <= 7; ++size) {
    EXPECT_EQ(Backends("", size), all) << size;
    EXPECT_EQ(Backends("rules/-", size), all) << size;
  }
  EXPECT_EQ(Backends("rules/a", 2), std::vector<std::string>(all.begin(), all.begin() + 3));
}

TEST_F(AnswersTest, AnEjectedBackendIsCountedAndAnAlert) {
  AddRule("web", {"a", "b"});
  live_[0].outlier_detection.emplace();
  worker::v1::StatsReport report;
  auto& backend = *report.add_backends();
  backend.set_rule("web");
  backend.set_backend("a");
  backend.mutable_ejection()->set_reason("slow");
  backend.mutable_ejection()->set_failures(5);
  backend.mutable_ejection()->mutable_returns_in()->set_seconds(7);
  outliers_.Report({"w1", "i"}, report, live_, kNow);
  Connect(1, "w1", "i");
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.backends_ejected(), 1u);
  ASSERT_EQ(status.alerts_size(), 1);
  EXPECT_EQ(status.alerts(0).resource(), "rules/web/backends/a");
  EXPECT_EQ(status.alerts(0).message(), "left out by 1 worker after 5 failures (slow), back in 7s");
}

TEST_F(AnswersTest, ANameWithoutAnAddressIsARowAndAnAlertWithTheReason) {
  AddRule("web", {"a", "c"});
  const Endpoint name = Endpoint::Parse("db.internal:80").value();
  live_[0].unresolved.push_back({"b", name, 2});
  resolver_.SetNames({name}, {}, kNow);
  std::vector<Action> actions;
  resolver_.Run(kNow, actions);
  resolver_.Done(
      {std::get<ResolveName>(actions.at(0)).query, absl::NotFoundError("no such name"), {}, {}},
      kNow);
  for (int32_t size = 1; size <= 4; ++size)
    EXPECT_EQ(Backends("rules/web", size),
              (std::vector<std::string>{"rules/web/backends/a", "rules/web/backends/b",
                                        "rules/web/backends/c"}));
  admin::v1::GetBackendRequest request;
  request.set_name("rules/web/backends/b");
  const auto backend = std::get<admin::v1::Backend>(GetBackend(view(), request));
  EXPECT_EQ(backend.unresolved(), "no such name");
  EXPECT_EQ(backend.address(), "db.internal:80");
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.backends_down(), 1u);
  ASSERT_EQ(status.alerts_size(), 2);
  EXPECT_EQ(status.alerts(1).message(), "db.internal:80 does not resolve: no such name");
}

TEST_F(AnswersTest, RulesComeInPagesToo) {
  for (const char* name : {"a", "b", "c"}) AddRule(name, {});
  admin::v1::ListRulesRequest request;
  request.set_page_size(2);
  const auto first = std::get<admin::v1::ListRulesResponse>(ListRules(view(), request));
  ASSERT_EQ(first.rules_size(), 2);
  EXPECT_EQ(first.rules(1).name(), "rules/b");
  request.set_page_token(first.next_page_token());
  const auto second = std::get<admin::v1::ListRulesResponse>(ListRules(view(), request));
  ASSERT_EQ(second.rules_size(), 1);
  EXPECT_EQ(second.rules(0).name(), "rules/c");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(AnswersTest, ABackendShowsItsSettingsItsHealthAndItsTraffic) {
  AddRule("web", {"b"});
  CheckAll(false, "HTTP 503");
  worker::v1::StatsReport report;
  worker::v1::StatsReport::Backend& stats = *report.add_backends();
  stats.set_rule("web");
  stats.set_backend("b");
  stats.set_connects_total(9);
  totals_.Report({"worker-1", "one"}, report);
  admin::v1::GetBackendRequest request;
  request.set_name("rules/web/backends/b");
  const auto backend = std::get<admin::v1::Backend>(GetBackend(view(), request));
  EXPECT_EQ(backend.address(), "10.0.0.1:80");
  EXPECT_EQ(backend.weight(), 3u);
  EXPECT_EQ(backend.max_connections(), 7u);
  EXPECT_EQ(backend.health(), type::v1::HEALTH_STATE_UNHEALTHY);
  EXPECT_EQ(backend.health_detail(), "HTTP 503");
  EXPECT_EQ(backend.connects_total(), 9u);
  admin::v1::GetRuleRequest rule;
  rule.set_name("rules/web");
  EXPECT_EQ(std::get<admin::v1::Rule>(GetRule(view(), rule)).backends_up(), 0u);
  EXPECT_EQ(std::get<admin::v1::Rule>(GetRule(view(), rule)).backends_total(), 1u);
}

TEST_F(AnswersTest, ARuleShowsItsLimitItsQueueAndWhoWaits) {
  AddRule("api", {"b"});
  AddRule("web", {"b"});
  live_[1].max_connections = 500;
  live_[1].queue = QueueConfig{.max = 7, .timeout = std::chrono::milliseconds(1'250)};
  worker::v1::StatsReport report;
  worker::v1::StatsReport::Rule& stats = *report.add_rules();
  stats.set_rule("web");
  stats.set_queued(3);
  stats.set_queued_total(40);
  totals_.Report({"worker-1", "one"}, report);
  const auto page = std::get<admin::v1::ListRulesResponse>(ListRules(view(), {}));
  ASSERT_EQ(page.rules_size(), 2);
  EXPECT_EQ(page.rules(0).max_connections(), 0u);
  EXPECT_FALSE(page.rules(0).has_queue());
  EXPECT_EQ(page.rules(1).max_connections(), 500u);
  EXPECT_EQ(page.rules(1).queue().max(), 7u);
  EXPECT_EQ(page.rules(1).queue().timeout().seconds(), 1);
  EXPECT_EQ(page.rules(1).queue().timeout().nanos(), 250'000'000);
  EXPECT_EQ(page.rules(1).queued(), 3u);
  EXPECT_EQ(page.rules(1).queued_total(), 40u);
}

TEST_F(AnswersTest, WhatDoesNotExistIsNotFound) {
  AddRule("web", {"b1"});
  for (const char* name : {"", "web", "rules/", "rules/x", "rules/web/"}) {
    admin::v1::GetRuleRequest request;
    request.set_name(name);
    EXPECT_EQ(ReasonOf(GetRule(view(), request)), "RULE_NOT_FOUND") << name;
  }
  for (const char* name : {"", "rules/web", "rules/x/backends/b1", "rules/web/backends/"}) {
    admin::v1::GetBackendRequest request;
    request.set_name(name);
    EXPECT_EQ(ReasonOf(GetBackend(view(), request)), "BACKEND_NOT_FOUND") << name;
  }
  admin::v1::GetBackendRequest near;
  near.set_name("rules/web/backends/b2");
  const absl::Status status = std::get<Failure>(GetBackend(view(), near)).status;
  EXPECT_NE(std::string(status.message()).find("rules/web/backends/b1"), std::string::npos);
  admin::v1::ListBackendsRequest list;
  list.set_parent("rules/x");
  EXPECT_EQ(ReasonOf(ListBackends(view(), list)), "RULE_NOT_FOUND");
  file_.left_out = {"shop"};
  admin::v1::GetRuleRequest left_out;
  left_out.set_name("rules/shop");
  EXPECT_EQ(std::get<Failure>(GetRule(view(), left_out)).status.message(),
            "'rules/shop' is left out: files of its TLS are no good, see lbctl status");
  admin::v1::GetWorkerRequest worker;
  worker.set_name("workers/w");
  EXPECT_EQ(ReasonOf(GetWorker(view(), worker)), "WORKER_NOT_FOUND");
}

TEST_F(AnswersTest, AWorkersSyncFollowsWhatItSaid) {
  WorkerRecord& record = Connect(1, "worker-1", "one");
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_NOT_SENT);
  versions_.SetContent({"a", std::string(32, 'a')});
  record.lane.Next(versions_, kNow);
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_STALE);
  worker::v1::Nack nack;
  *nack.mutable_rejected() = versions_.current();
  nack.set_reason(worker::v1::Nack::REASON_BIND_FAILED);
  nack.add_problems()->set_message("cannot listen on 127.0.0.1:8080: address in use (98)");
  nack.mutable_problems(0)->set_field("rules/web/listen");
  ASSERT_TRUE(record.lane.Nacked(nack, kNow).ok());
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_ERROR);
  admin::v1::GetWorkerRequest request;
  request.set_name("workers/worker-1");
  const auto worker = std::get<admin::v1::Worker>(GetWorker(view(), request));
  EXPECT_EQ(worker.nack_reason(), "BIND_FAILED");
  ASSERT_EQ(worker.problems_size(), 1);
  EXPECT_EQ(worker.problems(0).message(), nack.problems(0).message());
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.workers_failed(), 1u);
  ASSERT_EQ(status.alerts_size(), 1);
  EXPECT_EQ(status.alerts(0).resource(), "workers/worker-1");
  EXPECT_EQ(status.alerts(0).message(),
            "refused version 1: BIND_FAILED: rules/web/listen: cannot listen on 127.0.0.1:8080: "
            "address in use (98); it runs none");

  record.lane.Next(versions_, kNow + ConfigLane::kRetryMin);
  worker::v1::Ack ack;
  *ack.mutable_version() = versions_.current();
  ASSERT_TRUE(record.lane.Acked(ack).ok());
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_SYNCED);
  workers_.Disconnect(1);
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_DISCONNECTED);
}

TEST_F(AnswersTest, ARefusalSaysWhatKeepsRunning) {
  versions_.SetContent({"a", std::string(32, 'a')});
  WorkerRecord& record = Connect(1, "worker-1", "one");
  record.lane = ConfigLane(versions_.current());
  versions_.SetContent({"b", std::string(32, 'b')});
  record.lane.Next(versions_, kNow);
  worker::v1::Nack nack;
  *nack.mutable_rejected() = versions_.current();
  nack.set_reason(worker::v1::Nack::REASON_INVALID);
  ASSERT_TRUE(record.lane.Nacked(nack, kNow).ok());
  EXPECT_EQ(DescribeStatus(view()).alerts(0).message(),
            "refused version 2: INVALID; version 1 keeps running");
}

TEST_F(AnswersTest, WorkersThatDrainAreCountedAndAllOfThemAreAnAlert) {
  Connect(1, "worker-1", "one").draining = true;
  WorkerRecord& second = Connect(2, "worker-2", "two");
  EXPECT_EQ(DescribeStatus(view()).workers_draining(), 1u);
  EXPECT_EQ(DescribeStatus(view()).alerts_size(), 0);
  second.draining = true;
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.workers_draining(), 2u);
  ASSERT_EQ(status.alerts_size(), 1);
  EXPECT_EQ(status.alerts(0).message(), "no worker accepts connections: all of them drain");
}

TEST_F(AnswersTest, ASilentWorkerIsStaleWhateverItRuns) {
  versions_.SetContent({"a", std::string(32, 'a')});
  WorkerRecord& record = Connect(1, "worker-1", "one");
  record.lane = ConfigLane(versions_.current());
  record.silent = true;
  EXPECT_EQ(SyncOf(view(), record), admin::v1::Worker::SYNC_STALE);
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.workers_stale(), 1u);
  EXPECT_EQ(status.workers_synced() + status.workers_pending(), 0u);
  ASSERT_EQ(status.alerts_size(), 1);
  EXPECT_EQ(status.alerts(0).resource(), "workers/worker-1");
}

TEST_F(AnswersTest, TheShortNameOfAWorkerIsItsNewestProcess) {
  Connect(1, "worker-1", "old");
  Connect(2, "worker-1", "new");
  Connect(3, "worker-2", "x");
  EXPECT_EQ(std::get<WorkerKey>(FindWorker(view(), "workers/worker-1")).incarnation, "new");
  EXPECT_EQ(std::get<WorkerKey>(FindWorker(view(), "workers/worker-1@new")).incarnation, "new");
  EXPECT_EQ(std::get<WorkerKey>(FindWorker(view(), "workers/worker-1@old")).incarnation, "old");
  std::vector<std::string> names;
  admin::v1::ListWorkersRequest request;
  request.set_page_size(1);
  do {
    const auto page = std::get<admin::v1::ListWorkersResponse>(ListWorkers(view(), request));
    ASSERT_EQ(page.workers_size(), 1);
    names.push_back(page.workers(0).name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && names.size() < 10);
  EXPECT_EQ(names, (std::vector<std::string>{"workers/worker-1", "workers/worker-1@old",
                                             "workers/worker-2"}));
}

TEST_F(AnswersTest, AStatusIsBoundedAndSaysWhatItLeavesOut) {
  std::vector<std::string> names;
  for (int i = 0; i < kMaxAlerts + 5; ++i) names.push_back(std::to_string(10'000 + i));
  AddRule("web", names);
  CheckAll(false, "timeout");
  file_.path = "/etc/lb/lb.yaml";
  file_.bad_since = kNow - std::chrono::seconds(10);
  file_.findings.resize(kMaxStatusProblems + 3);
  file_.findings_total = 500;
  const admin::v1::Status status = DescribeStatus(view());
  EXPECT_EQ(status.backends_down(), static_cast<uint32_t>(kMaxAlerts + 5));
  EXPECT_EQ(status.backends_up(), 0u);
  ASSERT_EQ(status.alerts_size(), kMaxAlerts + 1);
  EXPECT_EQ(status.alerts(0).resource(), "/etc/lb/lb.yaml");
  EXPECT_EQ(status.alerts(1).resource(), "workers") << "none is connected";
  EXPECT_EQ(status.alerts(2).resource(), "rules/web") << "none of its backends is up";
  EXPECT_EQ(status.alerts(3).message(), "down: timeout");
  EXPECT_EQ(status.alerts(kMaxAlerts).message(), "8 more alerts");
  EXPECT_EQ(status.file().problems_size(), kMaxStatusProblems);
  EXPECT_EQ(status.file().problems_total(), 500u);
  EXPECT_EQ(status.file().bad_since_time().seconds(), 990);
}

TEST_F(AnswersTest, PanicAndABrokenAccessLogAreAlerts) {
  AddRule("web", {"1", "2"});
  live_[0].balance.panic_threshold_percent = 60;
  worker::v1::StatsReport report;
  report.add_rules()->set_rule("web");
  report.mutable_rules(0)->set_panic(true);
  report.set_access_log_error("cannot open /x/log: No such file or directory");
  totals_.Report({"w1", "x"}, report);
  EXPECT_EQ(std::get<admin::v1::Rule>(GetRule(view(),
                                              [] {
                                                admin::v1::GetRuleRequest request;
                                                request.set_name("rules/web");
                                                return request;
                                              }()))
                .workers_in_panic(),
            1u);
  std::map<std::string, std::string> alerts;
  const admin::v1::Status status = DescribeStatus(view());
  for (const admin::v1::Alert& alert : status.alerts()) alerts[alert.resource()] = alert.message();
  EXPECT_EQ(alerts["rules/web"],
            "panic in 1 worker: fewer than panic_threshold (60%) of its backends are usable, so "
            "all are used");
  EXPECT_EQ(alerts["workers/w1"],
            "lines of the access log are dropped: cannot open /x/log: No such file or directory");
}

}  // namespace
}  // namespace lb::controlplane
