#include "controlplane/admin/totals.h"

#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const WorkerKey kOld{"worker-1", "old"};
const WorkerKey kNew{"worker-1", "new"};
const BackendKey kBackend{"web", "b"};

worker::v1::StatsReport Report(uint64_t open, uint64_t total, const std::string& rule = "web") {
  worker::v1::StatsReport report;
  report.set_connections(open);
  worker::v1::StatsReport::Rule& to = *report.add_rules();
  to.set_rule(rule);
  to.set_connections(open);
  to.set_connections_total(total);
  to.set_received_bytes_total(10 * total);
  to.set_sent_bytes_total(20 * total);
  (*to.mutable_refused_total())["limit"] = 1;
  (*to.mutable_refused_total())["no_backend"] = 2;
  worker::v1::StatsReport::Backend& backend = *report.add_backends();
  backend.set_rule(rule);
  backend.set_backend("b");
  backend.set_connections(open);
  backend.set_connects_total(total);
  (*backend.mutable_connect_failures_total())["timeout"] = 4;
  return report;
}

LiveRules Live(const std::string& backend = "b") {
  LiveRule rule;
  rule.name = "web";
  rule.backends.push_back({.name = backend,
                           .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                           .weight = 1,
                           .max_connections = 0,
                           .check_host = ""});
  return {rule};
}

TEST(TotalsTest, TheNewestReportOfEachWorkerCountsAndReasonsAreSummed) {
  Totals totals;
  totals.Report(kOld, Report(5, 100));
  totals.Report(kOld, Report(3, 110));
  totals.Report({"worker-2", "x"}, Report(1, 7));
  EXPECT_EQ(totals.OfRule("web").connections, 4u);
  EXPECT_EQ(totals.OfRule("web").connections_total, 117u);
  EXPECT_EQ(totals.OfRule("web").received_bytes_total, 1170u);
  EXPECT_EQ(totals.OfRule("web").sent_bytes_total, 2340u);
  EXPECT_EQ(totals.OfRule("web").refused_total, 6u);
  EXPECT_EQ(totals.OfBackend(kBackend).connects_total, 117u);
  EXPECT_EQ(totals.OfBackend(kBackend).connect_failures_total, 8u);
  EXPECT_EQ(totals.OfWorker(kOld).connections_total, 110u);
  EXPECT_EQ(totals.OfRule("other").connections_total, 0u);
}

worker::v1::StatsReport TlsReport(uint64_t handshakes) {
  worker::v1::StatsReport report = Report(0, 0);
  worker::v1::StatsReport::Rule& rule = *report.mutable_rules(0);
  rule.set_handshakes_total(handshakes);
  rule.set_resumed_handshakes_total(handshakes / 2);
  (*rule.mutable_handshake_failures_total())["timeout"] = 3;
  (*rule.mutable_sni_total())["a.example.com"] = handshakes;
  report.mutable_backends(0)->set_handshakes_total(handshakes);
  report.mutable_backends(0)->set_resumed_handshakes_total(1);
  return report;
}

TEST(TotalsTest, HandshakesAreSummedByReasonAndRouteAlsoOfAWorkerThatIsGone) {
  Totals totals;
  totals.Report(kOld, TlsReport(10));
  totals.Forget(kOld);
  totals.Report(kNew, TlsReport(4));
  const RuleTotals sum = totals.OfRule("web");
  EXPECT_EQ(sum.handshakes_total, 14u);
  EXPECT_EQ(sum.resumed_handshakes_total, 7u);
  EXPECT_EQ(sum.handshake_failures_total.at("timeout"), 6u);
  EXPECT_EQ(sum.sni_total.at("a.example.com"), 14u);
  EXPECT_EQ(totals.OfBackend(kBackend).handshakes_total, 14u);
  EXPECT_EQ(totals.OfBackend(kBackend).resumed_handshakes_total, 2u);
}

TEST(TotalsTest, OfOneRuleOnlySoManyLabelsAreKept) {
  Totals totals;
  worker::v1::StatsReport report = Report(0, 0);
  auto& routes = *report.mutable_rules(0)->mutable_sni_total();
  for (size_t i = 0; i < Totals::kMaxLabels + 7; ++i) routes[std::to_string(10'000 + i)] = 1;
  routes[std::string(Totals::kMaxNameBytes + 1, 'x')] = 1;
  totals.Report(kOld, report);
  const RuleTotals sum = totals.OfRule("web");
  EXPECT_EQ(sum.sni_total.size(), Totals::kMaxLabels);
  EXPECT_EQ(sum.sni_total.begin()->first, "10000");
}

TEST(TotalsTest, SumsNeverGoBackWhenAWorkerIsReplaced) {
  Totals totals;
  totals.Report(kOld, Report(5, 100));
  totals.Disconnect(kOld);
  EXPECT_EQ(totals.OfRule("web").connections, 0u);
  EXPECT_EQ(totals.Overall().connections, 0u);
  EXPECT_EQ(totals.OfRule("web").connections_total, 100u);
  totals.Report(kNew, Report(1, 2));
  EXPECT_EQ(totals.OfRule("web").connections_total, 102u);
  totals.Forget(kOld);
  EXPECT_EQ(totals.OfRule("web").connections_total, 102u);
  EXPECT_EQ(totals.OfRule("web").connections, 1u);
  EXPECT_EQ(totals.OfBackend(kBackend).connects_total, 102u);
  EXPECT_EQ(totals.OfWorker(kOld).connections_total, 0u);
  EXPECT_EQ(totals.Overall().connections_total, 102u);
}

TEST(TotalsTest, WhoWaitsIsThatOfConnectedWorkersAndWhoWaitedIsKept) {
  const auto waiting = [](uint64_t now, uint64_t total) {
    worker::v1::StatsReport report = Report(0, 0);
    report.mutable_rules(0)->set_queued(now);
    report.mutable_rules(0)->set_queued_total(total);
    return report;
  };
  Totals totals;
  totals.Report(kOld, waiting(3, 10));
  totals.Report({"worker-2", "x"}, waiting(2, 5));
  EXPECT_EQ(totals.OfRule("web").queued, 5u);
  EXPECT_EQ(totals.OfRule("web").queued_total, 15u);
  totals.Disconnect(kOld);
  EXPECT_EQ(totals.OfRule("web").queued, 2u);
  totals.Forget(kOld);
  EXPECT_EQ(totals.OfRule("web").queued, 2u);
  EXPECT_EQ(totals.OfRule("web").queued_total, 15u);
}

// Half a character would make the answer that quotes it unreadable.
TEST(TotalsTest, ALongErrorIsCutBetweenCharacters) {
  worker::v1::StatsReport report;
  std::string error = "/";
  while (error.size() <= Totals::kMaxErrorBytes) error += "\u00e4";
  report.set_access_log_error(error);
  Totals totals;
  totals.Report(kNew, report);
  EXPECT_EQ(totals.AccessLogErrors().at(kNew), error.substr(0, Totals::kMaxErrorBytes - 1));
}

TEST(TotalsTest, ARuleThatLeavesStillCountsInTheOverallSum) {
  Totals totals;
  totals.Report(kOld, Report(5, 100));
  totals.Forget(kOld);
  totals.Keep(Live());
  EXPECT_EQ(totals.OfRule("web").connections_total, 100u);
  totals.Keep({});
  EXPECT_EQ(totals.OfRule("web").connections_total, 0u);
  EXPECT_EQ(totals.OfBackend(kBackend).connects_total, 0u);
  EXPECT_EQ(totals.Overall().connections_total, 100u);
}

TEST(TotalsTest, ABackendThatLeavesAndComesBackHasItsWorkersTotals) {
  Totals totals;
  totals.Report(kOld, Report(5, 100));
  totals.Keep(Live("other"));
  EXPECT_EQ(totals.OfBackend(kBackend).connects_total, 0u);
  totals.Report(kOld, Report(5, 101));
  EXPECT_EQ(totals.OfBackend(kBackend).connects_total, 101u);
}

TEST(TotalsTest, WhatIsKeptOfOneWorkerIsBounded) {
  Totals totals;
  worker::v1::StatsReport report;
  for (size_t i = 0; i <= Totals::kMaxEntries; ++i) {
    worker::v1::StatsReport::Rule& rule = *report.add_rules();
    rule.set_rule("r" + std::to_string(i));
    rule.set_connections_total(1);
  }
  totals.Report(kOld, report);
  EXPECT_EQ(totals.Overall().connections_total, Totals::kMaxEntries);
}

TEST(TotalsTest, NamesThatNoConfigurationCanHaveAreNotKept) {
  Totals totals;
  const std::string name(Totals::kMaxNameBytes + 1, 'x');
  totals.Report(kOld, Report(5, 100, name));
  EXPECT_EQ(totals.OfRule(name).connections_total, 0u);
  EXPECT_EQ(totals.OfBackend({name, "b"}).connects_total, 0u);
}

TEST(TotalsTest, WhoWaitedInVainWasRefusedByTheBackendsLimit) {
  Totals totals;
  worker::v1::StatsReport report = Report(1, 9);
  auto& refused = *report.mutable_rules(0)->mutable_refused_total();
  refused["backend_limit"] = 1;
  refused["queue_full"] = 20;
  refused["queue_timeout"] = 300;
  totals.Report(kNew, report);
  EXPECT_EQ(totals.OfRule("web").backend_limited_total, 321u);
}

TEST(TotalsTest, PanicAndABrokenLogAreThoseOfConnectedWorkers) {
  Totals totals;
  worker::v1::StatsReport report = Report(1, 9);
  report.mutable_rules(0)->set_panic(true);
  report.set_access_log_error("cannot open /x/log: No such file or directory");
  totals.Report(kNew, report);
  totals.Report({"worker-2", "x"}, report);
  EXPECT_EQ(totals.OfRule("web").workers_in_panic, 2u);
  EXPECT_EQ(totals.AccessLogErrors().size(), 2u);
  totals.Disconnect(kNew);
  EXPECT_EQ(totals.OfRule("web").workers_in_panic, 1u);
  EXPECT_EQ(totals.AccessLogErrors().count(kNew), 0u);
  totals.Forget({"worker-2", "x"});
  EXPECT_EQ(totals.OfRule("web").workers_in_panic, 0u);
}

}  // namespace
}  // namespace lb::controlplane
