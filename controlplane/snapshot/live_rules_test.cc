#include "controlplane/snapshot/live_rules.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

Endpoint At(const std::string& text) { return Endpoint::Parse(text).value(); }

BackendConfig Backend(const std::string& name, const std::string& address) {
  return {name, At(address), 2, std::nullopt};
}

Config OneRule(std::vector<BackendConfig> backends) {
  RuleConfig rule;
  rule.name = "web";
  rule.backend_connection_limit = 50;
  rule.backends = std::move(backends);
  Config config;
  config.rules.push_back(std::move(rule));
  return config;
}

std::vector<std::string> NamesOf(const LiveRule& rule) {
  std::vector<std::string> out;
  for (const LiveBackend& backend : rule.backends) out.push_back(backend.name);
  return out;
}

TEST(LiveRulesTest, EachAddressOfANameIsABackendOfItsOwn) {
  const Config config = OneRule({Backend("app", "app.internal:80"), Backend("z", "10.0.0.9:80")});
  const Addresses addresses = {{At("app.internal:80"), {At("10.0.0.1:80"), At("[fd00::1]:80")}}};
  const LiveRules live = Expand(config, addresses);
  EXPECT_EQ(NamesOf(live.at(0)),
            (std::vector<std::string>{"app@10.0.0.1:80", "app@[fd00::1]:80", "z"}));
  EXPECT_EQ(live[0].backends[0].address, At("10.0.0.1:80"));
  EXPECT_EQ(live[0].backends[0].weight, 2u);
  EXPECT_EQ(live[0].backends[0].check_host, "app.internal");
  EXPECT_EQ(live[0].backends[2].check_host, "10.0.0.9:80");
}

TEST(LiveRulesTest, ANameWithoutAnAnswerHasNoBackends) {
  const LiveRules live = Expand(OneRule({Backend("app", "app.internal:80")}), {});
  EXPECT_TRUE(live.at(0).backends.empty());
  ASSERT_EQ(live[0].unresolved.size(), 1u);
  EXPECT_EQ(live[0].unresolved[0].name, "app");
}

TEST(LiveRulesTest, AConfiguredNameWinsOverOneMadeForAnAddress) {
  const Config config =
      OneRule({Backend("app", "app.internal:80"), Backend("app@10.0.0.1:80", "10.0.0.9:80")});
  const LiveRules live = Expand(config, {{At("app.internal:80"), {At("10.0.0.1:80")}}});
  ASSERT_EQ(live.at(0).backends.size(), 1u);
  EXPECT_EQ(live[0].backends[0].address, At("10.0.0.9:80"));
}

TEST(LiveRulesTest, ABackendsOwnLimitWinsOverItsRules) {
  Config config = OneRule(
      {Backend("a", "10.0.0.1:80"), Backend("b", "10.0.0.2:80"), Backend("c", "10.0.0.3:80")});
  config.rules[0].backends[1].max_connections = 5;
  config.rules[0].backends[2].max_connections = 0;
  const LiveRules live = Expand(config, {});
  EXPECT_EQ(FindBackend(live.at(0), "a")->max_connections, 50u);
  EXPECT_EQ(FindBackend(live.at(0), "b")->max_connections, 5u);
  EXPECT_EQ(FindBackend(live.at(0), "c")->max_connections, 0u);
}

TEST(LiveRulesTest, ARulesLimitQueueAndSourcesAreTakenOver) {
  Config config = OneRule({Backend("a", "10.0.0.1:80")});
  EXPECT_EQ(Expand(config, {}).at(0).max_connections, 0u);
  config.rules[0].max_connections = 500;
  config.rules[0].queue = QueueConfig{.max = 7, .timeout = std::chrono::milliseconds(250)};
  config.rules[0].source = {Endpoint::FromIp("10.0.0.5", 0).value()};
  const LiveRules live = Expand(config, {});
  EXPECT_EQ(live.at(0).max_connections, 500u);
  EXPECT_EQ(live[0].queue, config.rules[0].queue);
  EXPECT_EQ(live[0].source, config.rules[0].source);
}

TEST(LiveRulesTest, ACertificateMustHaveTheNameThatIsConfigured) {
  Config config = OneRule({Backend("ip", "10.0.0.1:443"), Backend("v6", "[fd00::1]:443"),
                           Backend("name", "App.internal:443"), Backend("unix", "unix:/a"),
                           Backend("srv", "_https._tcp.web.internal")});
  const Addresses addresses = {{At("app.internal:443"), {At("10.0.0.2:443")}},
                               {At("_https._tcp.web.internal"), {At("10.0.0.3:8443")}}};
  const auto name_of = [&](const std::string& backend) {
    const LiveRules live = Expand(config, addresses);
    return FindBackend(live.at(0), backend)->server_name;
  };
  EXPECT_EQ(name_of("ip"), "");
  config.rules[0].backend_tls.emplace();
  EXPECT_EQ(name_of("ip"), "10.0.0.1");
  EXPECT_EQ(name_of("v6"), "fd00::1");
  EXPECT_EQ(name_of("name@10.0.0.2:443"), "app.internal");
  EXPECT_EQ(name_of("srv@10.0.0.3:8443"), "web.internal");
  EXPECT_EQ(name_of("unix"), "");
  config.rules[0].backend_tls->server_name = "pool.internal";
  for (const char* backend : {"ip", "name@10.0.0.2:443", "srv@10.0.0.3:8443", "unix"})
    EXPECT_EQ(name_of(backend), "pool.internal");
  config.rules[0].backend_tls.reset();
  config.rules[0].health_check.tls.emplace();
  EXPECT_EQ(name_of("name@10.0.0.2:443"), "app.internal");
}

TEST(LiveRulesTest, TlsAndRoutesAreTakenOver) {
  Config config = OneRule({Backend("a", "10.0.0.1:443"), Backend("b", "b.internal:443")});
  RuleConfig& rule = config.rules[0];
  rule.backends[1].sni_route = 1;
  rule.sni_routes = {{{"www.example.com"}}};
  rule.tls = TlsConfig{.certificates = {{"c.pem", "k.pem", ""}}};
  rule.backend_tls = BackendTlsConfig{.ca = "ca.pem"};
  const LiveRules live = Expand(config, {{At("b.internal:443"), {At("10.0.0.2:443")}}});
  EXPECT_EQ(live.at(0).tls, rule.tls);
  EXPECT_EQ(live[0].backend_tls, rule.backend_tls);
  EXPECT_EQ(live[0].sni_routes, rule.sni_routes);
  EXPECT_EQ(FindBackend(live[0], "a")->sni_route, 0u);
  EXPECT_EQ(FindBackend(live[0], "b@10.0.0.2:443")->sni_route, 1u);
}

TEST(LiveRulesTest, RulesAndBackendsAreFoundByNameInAnyOrderOfTheFile) {
  Config config = OneRule({Backend("b", "10.0.0.2:80"), Backend("a", "10.0.0.1:80")});
  config.rules.push_back(config.rules[0]);
  config.rules[1].name = "api";
  const LiveRules live = Expand(config, {});
  ASSERT_NE(FindRule(live, "api"), nullptr);
  ASSERT_NE(FindRule(live, "web"), nullptr);
  EXPECT_EQ(FindBackend(*FindRule(live, "web"), "a")->address, At("10.0.0.1:80"));
  EXPECT_EQ(FindRule(live, "ap"), nullptr);
  EXPECT_EQ(FindRule(live, "x"), nullptr);
  EXPECT_EQ(FindBackend(live[0], "c"), nullptr);
}

TEST(LiveRulesTest, NamesInUseAreNamedOnce) {
  const Config config =
      OneRule({Backend("a", "app.internal:80"), Backend("b", "app.internal:80"),
               Backend("c", "_http._tcp.app.internal"), Backend("d", "10.0.0.1:80")});
  EXPECT_EQ(NamesInUse(config).size(), 2u);
}

}  // namespace
}  // namespace lb::controlplane
