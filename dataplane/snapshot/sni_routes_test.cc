#include "dataplane/snapshot/sni_routes.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/snapshot/balance_tables.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

void AddBackend(type::Rule& rule, const std::string& name, uint32_t route) {
  type::Backend& backend = *rule.add_backends();
  backend.set_name(name);
  backend.set_address("10.0.0.1:443");
  backend.set_weight(1);
  backend.set_sni_route(route);
}

void AddRoute(type::Rule& rule, const std::vector<std::string>& names) {
  type::SniRoute& route = *rule.add_sni_routes();
  for (const std::string& name : names) route.add_names(name);
}

// The routes 1 (a.example, *.a.example; backends a1 and a2) and 2 (b.example; b), and backend c.
type::Snapshot Routed() {
  type::Snapshot snapshot;
  type::Rule& rule = *snapshot.add_rules();
  rule.set_name("web");
  rule.set_listen("127.0.0.1:443");
  rule.mutable_timeouts()->set_connect_ms(1'000);
  rule.mutable_timeouts()->set_idle_ms(1'000);
  rule.mutable_timeouts()->set_half_close_ms(1'000);
  rule.set_balance(type::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule.set_connect_attempts(3);
  rule.set_client_hello_timeout_ms(1'000);
  AddRoute(rule, {"a.example", "*.a.example"});
  AddRoute(rule, {"b.example"});
  AddBackend(rule, "a1", 1);
  AddBackend(rule, "a2", 1);
  AddBackend(rule, "b", 2);
  AddBackend(rule, "c", 0);
  return snapshot;
}

class SniRoutesTest : public testing::Test {
 protected:
  std::shared_ptr<const RuleTable> Build(const type::Snapshot& snapshot) {
    BuiltTables built = BuildTables(snapshot, tables_.get(), registry_, Instant());
    EXPECT_TRUE(built.problems.empty()) << built.problems[0].path << built.problems[0].message;
    tables_ = std::move(built.tables);
    registry_.Committed(*tables_);
    return tables_->rules.at(0);
  }
  const RuleTable& Route(const std::string& name) const {
    const SniTable& sni = *tables_->rules.at(0)->sni;
    return *sni.routes.at(sni.RouteOf(name));
  }
  // "PATH: MESSAGE" of what is wrong after the change.
  std::string Refusal(const std::function<void(type::Rule&)>& change) {
    type::Snapshot snapshot = Routed();
    change(*snapshot.mutable_rules(0));
    const BuiltTables built = BuildTables(snapshot, nullptr, registry_, Instant());
    EXPECT_LE(built.problems.size(), 1u);
    return built.problems.empty() ? "" : built.problems[0].path + ": " + built.problems[0].message;
  }

  StateRegistry registry_{1};
  std::shared_ptr<const Tables> tables_;
};

std::string Backends(const RuleTable& rule) {
  std::string names;
  for (const BackendTable& backend : rule.backends) names += backend.name + " ";
  return names;
}

TEST_F(SniRoutesTest, EachRouteHasItsBackendsAndTheRuleHasAll) {
  EXPECT_EQ(Backends(*Build(Routed())), "a1 a2 b c ");
  EXPECT_EQ(Backends(Route("a.example")), "a1 a2 ");
  EXPECT_EQ(Backends(Route("x.a.example")), "a1 a2 ");
  EXPECT_EQ(Backends(Route("b.example")), "b ");
  for (const char* name :
       {"", "example", ".a.example", "x.y.a.example", "x.b.example", "aa.example"})
    EXPECT_EQ(Backends(Route(name)), "c ") << name;
  EXPECT_EQ(Route("a.example").state, tables_->rules.at(0)->state);
  EXPECT_NE(&Route("a.example").line(), &Route("b.example").line());
}

TEST_F(SniRoutesTest, AnExactNameGoesBeforeAWildcard) {
  type::Snapshot snapshot = Routed();
  snapshot.mutable_rules(0)->mutable_sni_routes(1)->add_names("x.a.example");
  Build(snapshot);
  EXPECT_EQ(Backends(Route("x.a.example")), "b ");
  EXPECT_EQ(Backends(Route("y.a.example")), "a1 a2 ");
}

TEST_F(SniRoutesTest, ARouteThatSaysTheSameStaysTheSameTable) {
  type::Snapshot snapshot = Routed();
  const auto first = Build(snapshot);
  EXPECT_EQ(Build(snapshot), first);
  snapshot.mutable_rules(0)->mutable_backends(2)->set_weight(7);
  const auto second = Build(snapshot);
  EXPECT_NE(second, first);
  EXPECT_EQ(second->sni->routes[0], first->sni->routes[0]);
  EXPECT_EQ(second->sni->routes[1], first->sni->routes[1]);
  EXPECT_NE(second->sni->routes[2], first->sni->routes[2]);
  EXPECT_EQ(second->sni->routes[2]->route, first->sni->routes[2]->route);
  // Another name is no other route; a route is known by its first one.
  snapshot.mutable_rules(0)->mutable_sni_routes(1)->add_names("b2.example");
  const auto third = Build(snapshot);
  EXPECT_NE(third, second);
  EXPECT_EQ(third->sni->routes, second->sni->routes);
}

TEST_F(SniRoutesTest, ABackendKnowsWhoseClientsTheNewestTablesSendToIt) {
  type::Snapshot snapshot = Routed();
  const auto before = Build(snapshot);
  const auto moved = [&](const RuleTable& rule) { return rule.HasMoved(rule.backends.at(0)); };
  EXPECT_FALSE(moved(*before->sni->routes[1]));
  snapshot.mutable_rules(0)->mutable_backends(0)->set_sni_route(2);
  const auto after = Build(snapshot);
  EXPECT_TRUE(moved(*before->sni->routes[1]));
  EXPECT_FALSE(moved(*after->sni->routes[2]));
  snapshot.mutable_rules(0)->clear_sni_routes();
  for (type::Backend& backend : *snapshot.mutable_rules(0)->mutable_backends())
    backend.set_sni_route(0);
  EXPECT_FALSE(moved(*Build(snapshot)));
  EXPECT_TRUE(moved(*after->sni->routes[2]));
}

TEST_F(SniRoutesTest, ClientsAreHashedToBackendsOfTheirRoute) {
  type::Snapshot snapshot = Routed();
  snapshot.mutable_rules(0)->set_balance(type::BALANCE_MAGLEV);
  const auto rule = Build(snapshot);
  EXPECT_EQ(rule->balance.hash_tables.maglev, nullptr);
  EXPECT_NE(Route("a.example").balance.hash_tables.maglev, nullptr);
  EXPECT_EQ(Route("b.example").balance.hash_tables.maglev, nullptr);  // One backend.
}

TEST_F(SniRoutesTest, ARuleIsInPanicWhenARouteIs) {
  type::Snapshot snapshot = Routed();
  snapshot.mutable_rules(0)->set_panic_threshold_ratio(0.6);
  const auto rule = Build(snapshot);
  EXPECT_FALSE(InPanic(*rule, Instant()));
  ASSERT_TRUE(registry_.SetHealth({"web", "b"}, Health::kUnhealthy, Instant()));
  EXPECT_TRUE(InPanic(*rule, Instant()));
  EXPECT_FALSE(InPanic(Route("a.example"), Instant()));
}

TEST_F(SniRoutesTest, BadRoutesAreRefusedWithTheirPlace) {
  EXPECT_EQ(Refusal([](type::Rule&) {}), "");
  EXPECT_EQ(Refusal([](type::Rule& rule) { rule.mutable_backends(0)->set_sni_route(3); }),
            "rules/web/backends/a1/sni_route: 3 is above 2");
  EXPECT_EQ(Refusal([](type::Rule& rule) { rule.add_sni_routes(); }),
            "rules/web/sni_routes/2/names: there is none");
  EXPECT_EQ(Refusal([](type::Rule& rule) { AddRoute(rule, {"b.example"}); }),
            "rules/web/sni_routes/2/names: 'b.example' stands twice");
  EXPECT_EQ(Refusal([](type::Rule& rule) { rule.set_client_hello_timeout_ms(0); }),
            "rules/web/client_hello_timeout_ms: 0 is not in 1..604800000");
}

TEST_F(SniRoutesTest, ANameIsALowerCaseHostName) {
  for (const std::string& name : std::vector<std::string>{
           "", ".", "*", "*.", "**.example", "a.*.example", "*.*.example", "A.example",
           "a.example.", ".a.example", "a..example", "10.0.0.1", "2001:db8::1", "a b.example",
           std::string(64, 'a') + ".example", "a.example\n"})
    EXPECT_NE(Refusal([&](type::Rule& rule) { AddRoute(rule, {name}); }), "") << name;
  for (const char* name : {"localhost", "_x.y-z.example", "*.example", "xn--bcher-kva.example"})
    EXPECT_EQ(Refusal([&](type::Rule& rule) { AddRoute(rule, {name}); }), "") << name;
}

TEST_F(SniRoutesTest, RoutesAndNamesAreBounded) {
  const auto too_many_routes = [](type::Rule& rule) {
    for (int i = 0; i < 999; ++i) AddRoute(rule, {"r" + std::to_string(i) + ".example"});
  };
  EXPECT_EQ(Refusal(too_many_routes), "rules/web/sni_routes: 1001 routes; at most 1000");
  const auto too_many_names = [](type::Rule& rule) {
    for (int i = 0; i < 262'144; ++i)
      rule.mutable_sni_routes(0)->add_names("n" + std::to_string(i) + ".example");
  };
  EXPECT_EQ(Refusal(too_many_names),
            "rules: 262147 names of SNI routes over all rules; at most 262144");
}

}  // namespace
}  // namespace lb::dataplane
