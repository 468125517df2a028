// What the control plane learns of SNI routes: who serves a client that asks for a name, and how
// many clients each route took.
#include <chrono>
#include <string>
#include <vector>

#include "dataplane/control/client_look.h"
#include "dataplane/control/stats_lane.h"
#include "dataplane/snapshot/build_tables.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;
namespace worker = lb::worker::v1;

class SniReportsTest : public testing::Test {
 protected:
  SniReportsTest() {
    type::Rule& rule = *snapshot_.add_rules();
    rule.set_name("web");
    rule.set_listen("127.0.0.1:443");
    rule.mutable_timeouts()->set_connect_ms(1'000);
    rule.mutable_timeouts()->set_idle_ms(1'000);
    rule.mutable_timeouts()->set_half_close_ms(1'000);
    rule.set_balance(type::BALANCE_SOURCE_HASH);
    rule.set_connect_attempts(3);
    rule.set_client_hello_timeout_ms(1'000);
    rule.add_sni_routes()->add_names("a.example");
    rule.add_sni_routes()->add_names("*.b.example");
    for (const char* name : {"a1", "a2"}) AddBackend(name, 1);
    AddBackend("b", 2);
    AddBackend("c", 0);
    Build();
  }

  void AddBackend(const std::string& name, uint32_t route) {
    type::Backend& backend = *snapshot_.mutable_rules(0)->add_backends();
    backend.set_name(name);
    backend.set_address("10.0.0.1:443");
    backend.set_weight(1);
    backend.set_sni_route(route);
  }
  void Build() {
    tables_ = BuildTables(snapshot_, tables_.get(), registry_, now_).tables;
    ASSERT_NE(tables_, nullptr);
  }
  worker::ClientReport Look(const std::string& server_name) {
    worker::Command command;
    command.mutable_look_at_clients()->set_rule("web");
    command.mutable_look_at_clients()->set_client("192.0.2.1");
    command.mutable_look_at_clients()->set_server_name(server_name);
    return LookAtClients(command, registry_.rate_limiters(), registry_.bandwidths(), tables_.get(),
                         now_)
        .clients();
  }
  std::vector<worker::ConnectRequest> Report() {
    return lane_.Report({.connections = 0, .tables = tables_.get()}, now_);
  }

  const Instant now_ = Instant(std::chrono::seconds(1'000));
  StateRegistry registry_{2};
  StatsLane lane_{registry_};
  type::Snapshot snapshot_;
  std::shared_ptr<const Tables> tables_;
};

std::string Candidates(const worker::ClientReport& report) {
  std::string names;
  for (const auto& candidate : report.candidates()) names += candidate.backend() + " ";
  return names;
}

TEST_F(SniReportsTest, CandidatesAreThoseOfTheRouteThatTakesTheName) {
  const worker::ClientReport a = Look("A.example.");
  EXPECT_EQ(Candidates(a), "a1 a2 ");
  EXPECT_EQ(a.sni_route(), "a.example");
  EXPECT_TRUE(a.hashed_to() == "a1" || a.hashed_to() == "a2") << a.hashed_to();
  EXPECT_EQ(Candidates(Look("x.b.example")), "b ");
  EXPECT_EQ(Look("x.b.example").sni_route(), "*.b.example");
  for (const char* name : {"", "c.example", "10.0.0.1"}) {
    EXPECT_EQ(Candidates(Look(name)), "c ") << name;
    EXPECT_EQ(Look(name).sni_route(), "") << name;
  }
}

TEST_F(SniReportsTest, ClientsAreCountedByRoute) {
  const auto count = [&](size_t route, size_t thread, uint64_t clients) {
    RouteState& state = *tables_->rules.at(0)->sni->routes.at(route)->route;
    state.counters.at(thread).connections_total.Add(clients);
  };
  count(0, 0, 1);
  count(1, 0, 2);
  count(1, 1, 3);
  const auto reports = Report();
  ASSERT_EQ(reports.size(), 1u);
  const auto& told = reports[0].stats().rules(0).sni_total();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told.at(""), 1u);
  EXPECT_EQ(told.at("a.example"), 5u);
  EXPECT_EQ(told.at("*.b.example"), 0u);
  EXPECT_EQ(Report().at(0).stats().rules_size(), 0);  // Nothing new.
}

TEST_F(SniReportsTest, RoutesCountAsEntriesOfAReport) {
  type::Rule& rule = *snapshot_.mutable_rules(0);
  for (int i = 0; i < kMaxSniRoutesOfRule - 2; ++i)
    rule.add_sni_routes()->add_names("r" + std::to_string(i) + ".example");
  Build();
  const auto reports = Report();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].stats().rules(0).sni_total_size(), kMaxSniRoutesOfRule + 1);
  EXPECT_TRUE(reports[0].stats().more());
  EXPECT_EQ(reports[1].stats().backends_size(), 4);
}

}  // namespace
}  // namespace lb::dataplane
