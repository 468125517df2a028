#include "dataplane/snapshot/build_tables.h"

#include <functional>

#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

type::Backend MakeBackend(const std::string& name, const std::string& address) {
  type::Backend backend;
  backend.set_name(name);
  backend.set_address(address);
  backend.set_weight(1);
  return backend;
}

type::Rule MakeRule(const std::string& name, const std::string& listen) {
  type::Rule rule;
  rule.set_name(name);
  rule.set_listen(listen);
  rule.mutable_timeouts()->set_connect_ms(5'000);
  rule.mutable_timeouts()->set_idle_ms(600'000);
  rule.mutable_timeouts()->set_half_close_ms(30'000);
  rule.set_balance(type::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule.set_connect_attempts(3);
  *rule.add_backends() = MakeBackend("a", "10.0.0.1:80");
  *rule.add_backends() = MakeBackend("b", "[fd00::1]:80");
  *rule.add_backends() = MakeBackend("c", "unix:/run/app.sock");
  return rule;
}

type::Snapshot MakeSnapshot() {
  type::Snapshot snapshot;
  *snapshot.add_rules() = MakeRule("api", "0.0.0.0:81");
  *snapshot.add_rules() = MakeRule("web", "[::]:80");
  return snapshot;
}

type::Rule* Web(type::Snapshot& s) { return s.mutable_rules(1); }

TEST(BuildTablesTest, TablesSayWhatTheSnapshotSays) {
  StateRegistry registry(2);
  type::Snapshot snapshot = MakeSnapshot();
  snapshot.mutable_rules(1)->mutable_backends(0)->set_weight(5);
  snapshot.mutable_rules(1)->mutable_backends(0)->set_max_connections(50);
  snapshot.mutable_rules(1)->set_max_connections(500);
  snapshot.mutable_rules(1)->mutable_queue()->set_max(7);
  snapshot.mutable_rules(1)->mutable_queue()->set_timeout_ms(250);
  snapshot.mutable_rules(1)->add_source_addresses("127.0.0.5");
  snapshot.mutable_rules(1)->add_source_addresses("::1");
  const BuiltTables built = BuildTables(snapshot.SerializeAsString(), nullptr, registry, Instant());
  ASSERT_TRUE(built.problems.empty()) << built.problems[0].path << built.problems[0].message;
  ASSERT_EQ(built.tables->rules.size(), 2u);
  const RuleTable& web = *built.tables->rules[1];
  EXPECT_EQ(web.name, "web");
  EXPECT_EQ(web.listen.ToString(), "[::]:80");
  EXPECT_EQ(web.connect_timeout_ms, 5'000u);
  EXPECT_EQ(web.idle_timeout_ms, 600'000u);
  EXPECT_EQ(web.half_close_timeout_ms, 30'000u);
  EXPECT_EQ(web.connect_attempts, 3u);
  EXPECT_TRUE(web.limited);
  EXPECT_EQ(web.queue_max, 7u);
  EXPECT_EQ(web.queue_timeout_ms, 250u);
  ASSERT_EQ(web.sources.size(), 2u);
  EXPECT_EQ(web.sources[0].family(), AF_INET);
  EXPECT_EQ(web.sources[1].family(), AF_INET6);
  EXPECT_FALSE(built.tables->rules[0]->limited);
  EXPECT_EQ(built.tables->rules[0]->queue_max, 0u);
  ASSERT_EQ(web.backends.size(), 3u);
  EXPECT_EQ(web.backends[0].weight, 5u);
  EXPECT_TRUE(web.backends[0].limited);
  EXPECT_FALSE(web.backends[1].limited);
  EXPECT_EQ(web.backends[1].address.family(), AF_INET6);
  EXPECT_EQ(web.backends[2].address.family(), AF_UNIX);
  EXPECT_EQ(web.state->counters.size(), 2u);
  EXPECT_NE(web.backends[0].state, built.tables->rules[0]->backends[0].state);
}

TEST(BuildTablesTest, AnUnchangedRuleKeepsItsTable) {
  StateRegistry registry(1);
  type::Snapshot snapshot = MakeSnapshot();
  const BuiltTables first = BuildTables(snapshot, nullptr, registry, Instant());
  snapshot.mutable_rules(1)->mutable_backends(0)->set_weight(2);
  const BuiltTables second = BuildTables(snapshot, first.tables.get(), registry, Instant());
  EXPECT_EQ(second.tables->rules[0], first.tables->rules[0]);
  EXPECT_NE(second.tables->rules[1], first.tables->rules[1]);
  EXPECT_EQ(second.tables->rules[1]->state, first.tables->rules[1]->state);
  EXPECT_EQ(second.tables->rules[1]->backends[0].state, first.tables->rules[1]->backends[0].state);
}

TEST(BuildTablesTest, ARuleWithOtherClientsIsAnotherTable) {
  StateRegistry registry(1);
  type::Snapshot snapshot = MakeSnapshot();
  type::Rule& web = *Web(snapshot);
  std::vector<BuiltTables> built = {BuildTables(snapshot, nullptr, registry, Instant())};
  EXPECT_EQ(built[0].tables->rules[1]->access, nullptr);
  EXPECT_EQ(built[0].tables->rules[1]->proxy, nullptr);
  const auto expect_new = [&](bool is_new) {
    built.push_back(BuildTables(snapshot, built.back().tables.get(), registry, Instant()));
    ASSERT_NE(built.back().tables, nullptr);
    const size_t last = built.size() - 1;
    EXPECT_EQ(built[last].tables->rules[1] != built[last - 1].tables->rules[1], is_new) << last;
  };
  web.add_deny("10.0.0.0/8");
  expect_new(true);
  expect_new(false);
  web.set_deny(0, "10.0.0.0/9");
  expect_new(true);
  web.mutable_proxy_protocol()->add_accept_from("10.0.0.0/8");
  web.mutable_proxy_protocol()->set_header_timeout_ms(5);
  expect_new(true);
  expect_new(false);
  web.mutable_proxy_protocol()->set_header_timeout_ms(6);
  expect_new(true);
}

TEST(BuildTablesTest, ASnapshotWithoutRulesIsFine) {
  StateRegistry registry(1);
  EXPECT_NE(BuildTables("", nullptr, registry, Instant()).tables, nullptr);
}

TEST(BuildTablesTest, PortZeroMayStandTwice) {
  StateRegistry registry(1);
  type::Snapshot snapshot = MakeSnapshot();
  for (type::Rule& rule : *snapshot.mutable_rules()) rule.set_listen("127.0.0.1:0");
  EXPECT_TRUE(BuildTables(snapshot, nullptr, registry, Instant()).problems.empty());
}

struct Refusal {
  const char* path;
  Problem::Kind kind;
  std::function<void(type::Snapshot&)> spoil;
};

type::Backend* WebA(type::Snapshot& s) { return s.mutable_rules(1)->mutable_backends(0); }

void ExpectRefusals(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.path);
    StateRegistry registry(1);
    type::Snapshot snapshot = MakeSnapshot();
    refusal.spoil(snapshot);
    const BuiltTables built = BuildTables(snapshot, nullptr, registry, Instant());
    EXPECT_EQ(built.tables, nullptr);
    ASSERT_EQ(built.problems.size(), 1u);
    EXPECT_EQ(built.problems[0].path, refusal.path);
    EXPECT_EQ(built.problems[0].kind, refusal.kind);
    EXPECT_FALSE(built.problems[0].message.empty());
  }
}

// Goal: every rule of the contract is checked again, with the place. Method: spoil one thing of a
// good snapshot; exactly that place must be named.
TEST(BuildTablesTest, RefusesEachBadValueAtItsPlace) {
  using Kind = Problem::Kind;
  const std::vector<Refusal> refusals = {
      {"required_features", Kind::kMissingFeature, [](auto& s) { s.add_required_features("tea"); }},
      {"rules//name", Kind::kInvalid, [](auto& s) { s.mutable_rules(0)->set_name(""); }},
      {"rules/x/y/name", Kind::kInvalid, [](auto& s) { Web(s)->set_name("x/y"); }},
      {"rules/z\\n/name", Kind::kInvalid, [](auto& s) { Web(s)->set_name("z\n"); }},
      {"rules/api/name", Kind::kInvalid, [](auto& s) { Web(s)->set_name("api"); }},
      {"rules/aaa/name", Kind::kInvalid, [](auto& s) { Web(s)->set_name("aaa"); }},
      {"rules/web/listen", Kind::kInvalid, [](auto& s) { Web(s)->set_listen(""); }},
      {"rules/web/listen", Kind::kInvalid, [](auto& s) { Web(s)->set_listen("host.lan:80"); }},
      {"rules/web/listen", Kind::kInvalid, [](auto& s) { Web(s)->set_listen("unix:/tmp/x"); }},
      {"rules/web/listen", Kind::kInvalid, [](auto& s) { Web(s)->set_listen("0.0.0.0:81"); }},
      {"rules/web/timeouts/connect_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_timeouts()->set_connect_ms(0); }},
      {"rules/web/timeouts/idle_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_timeouts()->set_idle_ms(kMaxTimeoutMs + 1); }},
      {"rules/web/timeouts/half_close_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_timeouts()->set_half_close_ms(0); }},
      {"rules/web/balance", Kind::kInvalid,
       [](auto& s) { Web(s)->set_balance(type::BALANCE_UNSPECIFIED); }},
      {"rules/web/balance", Kind::kInvalid,
       [](auto& s) { Web(s)->set_balance(static_cast<type::Balance>(77)); }},
      {"rules/web/drain_timeout_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->set_drain_timeout_ms(kMaxTimeoutMs + 1); }},
      {"rules/web/outlier_detection/failures", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_outlier_detection()->set_ejection_time_ms(1); }},
      {"rules/web/outlier_detection/ejection_time_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_outlier_detection()->set_failures(1); }},
      {"rules/web/outlier_detection/max_ejected_percent", Kind::kInvalid,
       [](auto& s) {
         Web(s)->mutable_outlier_detection()->set_failures(1);
         Web(s)->mutable_outlier_detection()->set_ejection_time_ms(1);
         Web(s)->mutable_outlier_detection()->set_max_ejected_percent(101);
       }},
      {"rules/web/connect_attempts", Kind::kInvalid,
       [](auto& s) { Web(s)->set_connect_attempts(0); }},
      {"rules/web/connect_attempts", Kind::kInvalid,
       [](auto& s) { Web(s)->set_connect_attempts(kMaxConnectAttempts + 1); }},
      {"rules/web/queue/max", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_queue()->set_timeout_ms(1); }},
      {"rules/web/queue/timeout_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_queue()->set_max(1); }},
      {"rules/web/source_addresses", Kind::kInvalid,
       [](auto& s) { Web(s)->add_source_addresses("localhost"); }},
      {"rules/web/source_addresses", Kind::kInvalid,
       [](auto& s) {
         for (int i = 0; i <= kMaxSources; ++i) Web(s)->add_source_addresses("127.0.0.1");
       }},
      {"rules/web/backends/b/name", Kind::kInvalid, [](auto& s) { WebA(s)->set_name("b"); }},
      {"rules/web/backends//name", Kind::kInvalid, [](auto& s) { WebA(s)->set_name(""); }},
      {"rules/web/backends/a/address", Kind::kInvalid,
       [](auto& s) { WebA(s)->set_address("app.lan:80"); }},
      {"rules/web/backends/a/address", Kind::kInvalid,
       [](auto& s) { WebA(s)->set_address("10.0.0.1:0"); }},
      {"rules/web/backends/a/weight", Kind::kInvalid,
       [](auto& s) { WebA(s)->set_weight(kMaxWeight + 1); }},
      {"rules", Kind::kResourceLimit,
       [](auto& s) {
         while (s.rules_size() <= kMaxRules) s.add_rules();
       }},
      {"rules", Kind::kResourceLimit,
       [](auto& s) {
         while (Web(s)->backends_size() <= kMaxBackends) Web(s)->add_backends();
       }},
  };
  ExpectRefusals(refusals);
}

TEST(BuildTablesTest, RefusesClientsThatNoWorkerCanTellApart) {
  using Kind = Problem::Kind;
  ExpectRefusals({
      {"rules/web/access", Kind::kInvalid, [](auto& s) { Web(s)->add_allow("10.0.0.0/33"); }},
      {"rules/web/access", Kind::kInvalid,
       [](auto& s) {
         Web(s)->add_allow("10.0.0.0/8");
         Web(s)->add_deny("10.0.0.0/8");
       }},
      {"rules/web/proxy_protocol", Kind::kInvalid,
       [](auto& s) {
         Web(s)->mutable_proxy_protocol()->add_accept_from("web-1");
         Web(s)->mutable_proxy_protocol()->set_header_timeout_ms(1);
       }},
      {"rules/web/proxy_protocol", Kind::kInvalid,
       [](auto& s) {
         Web(s)->mutable_proxy_protocol()->set_send(static_cast<type::ProxyProtocol::Version>(3));
       }},
      {"rules/web/proxy_protocol/header_timeout_ms", Kind::kInvalid,
       [](auto& s) { Web(s)->mutable_proxy_protocol()->add_accept_from("10.0.0.1"); }},
  });
}

TEST(BuildTablesTest, TellsAllProblemsAtOnceAndMakesNoState) {
  StateRegistry registry(1);
  type::Snapshot snapshot = MakeSnapshot();
  for (type::Rule& rule : *snapshot.mutable_rules()) {
    rule.clear_timeouts();
    rule.set_listen("nonsense");
  }
  EXPECT_EQ(BuildTables(snapshot, nullptr, registry, Instant()).problems.size(), 8u);
  EXPECT_TRUE(registry.rules().empty());
}

TEST(BuildTablesTest, TheListOfProblemsIsBounded) {
  StateRegistry registry(1);
  type::Snapshot snapshot;
  for (size_t i = 0; i < kMaxProblems; ++i) snapshot.add_rules();
  EXPECT_EQ(BuildTables(snapshot, nullptr, registry, Instant()).problems.size(), kMaxProblems);
}

TEST(BuildTablesTest, BytesThatAreNoSnapshotAreRefused) {
  StateRegistry registry(1);
  const BuiltTables built =
      BuildTables(std::string_view("\xff\xff\xff"), nullptr, registry, Instant());
  EXPECT_EQ(built.tables, nullptr);
  EXPECT_EQ(built.problems.size(), 1u);
}

}  // namespace
}  // namespace lb::dataplane
