// Endpoints of Services as backends.
#include <string>
#include <vector>

#include "controlplane/snapshot/live_rules.h"
#include "controlplane/snapshot/overrides.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr auto kReady = EndpointState::kReady;
constexpr auto kEnding = EndpointState::kEnding;
const ServiceRef kWeb{"shop", "web", "http"};

Endpoint At(const std::string& text) { return Endpoint::Parse(text).value(); }

Config OneService() {
  Config config;
  RuleConfig& rule = config.rules.emplace_back();
  rule.name = "web";
  BackendConfig& backend = rule.backends.emplace_back();
  backend.name = "shop_web:http";
  backend.service = kWeb;
  backend.weight = 3;
  backend.max_connections = 7;
  return config;
}

LiveRule ExpandedWith(std::vector<ServiceEndpoint> endpoints) {
  return Expand(OneService(), {}, {{kWeb, std::move(endpoints)}}).at(0);
}

// "name address weight state" of each.
std::vector<std::string> Texts(const LiveRule& rule) {
  std::vector<std::string> out;
  for (const LiveBackend& backend : rule.backends)
    out.push_back(backend.name + " " + backend.address.ToString() + " " +
                  std::to_string(backend.weight) + " " +
                  type::v1::AdminState_Name(backend.admin_state).substr(12));
  return out;
}

TEST(LiveServicesTest, EachEndpointIsABackendNamedAfterItsPod) {
  const LiveRule rule = ExpandedWith({{At("10.0.0.1:80"), "web-1", kReady},
                                      {At("10.0.0.2:80"), "", kReady},
                                      {At("10.0.0.3:80"), std::string(250, 'p'), kReady}});
  EXPECT_EQ(Texts(rule), (std::vector<std::string>{"shop_web:http@10.0.0.2:80 10.0.0.2:80 3 READY",
                                                   "shop_web:http@10.0.0.3:80 10.0.0.3:80 3 READY",
                                                   "shop_web:http@web-1 10.0.0.1:80 3 READY"}));
  EXPECT_EQ(rule.backends[0].max_connections, 7u);
  EXPECT_EQ(rule.backends[0].check_host, "10.0.0.2:80");
  EXPECT_TRUE(rule.unresolved.empty());
}

TEST(LiveServicesTest, OneThatEndsIsDrainedAsLongAsOneIsReady) {
  EXPECT_EQ(
      Texts(ExpandedWith({{At("10.0.0.1:80"), "a", kEnding}, {At("10.0.0.2:80"), "b", kReady}})),
      (std::vector<std::string>{"shop_web:http@a 10.0.0.1:80 0 DRAIN",
                                "shop_web:http@b 10.0.0.2:80 3 READY"}));
  EXPECT_EQ(Texts(ExpandedWith({{At("10.0.0.1:80"), "a", kEnding}})),
            std::vector<std::string>{"shop_web:http@a 10.0.0.1:80 3 READY"});
}

TEST(LiveServicesTest, NothingThatIsSetMakesOneThatEndsTakeConnections) {
  LiveRules live =
      Expand(OneService(), {},
             {{kWeb, {{At("10.0.0.1:80"), "a", kEnding}, {At("10.0.0.2:80"), "b", kReady}}}});
  Overrides overrides;
  Override heavy;
  heavy.weight = 9;
  ASSERT_TRUE(overrides.Set({"web", "shop_web:http"}, heavy));
  overrides.Apply(live);
  EXPECT_EQ(Texts(live.at(0)), (std::vector<std::string>{"shop_web:http@a 10.0.0.1:80 0 DRAIN",
                                                         "shop_web:http@b 10.0.0.2:80 9 READY"}));
}

TEST(LiveServicesTest, AServiceOfWhichNothingIsKnownIsUnresolved) {
  const LiveRules live = Expand(OneService(), {}, {});
  EXPECT_TRUE(live.at(0).backends.empty());
  ASSERT_EQ(live[0].unresolved.size(), 1u);
  EXPECT_EQ(live[0].unresolved[0].Place(), "shop/web:http");
  EXPECT_TRUE(ExpandedWith({}).unresolved.empty());  // It is known that there is none.
  EXPECT_TRUE(NamesInUse(OneService()).empty());
}

TEST(LiveServicesTest, CertificatesHaveTheServicesName) {
  Config config = OneService();
  config.rules[0].backend_tls = BackendTlsConfig{};
  const Services services{{kWeb, {{At("10.0.0.1:80"), "a", kReady}}}};
  EXPECT_EQ(Expand(config, {}, services).at(0).backends.at(0).server_name, "web.shop.svc");
  config.rules[0].backend_tls->server_name = "own.test";
  EXPECT_EQ(Expand(config, {}, services).at(0).backends.at(0).server_name, "own.test");
}

}  // namespace
}  // namespace lb::controlplane
