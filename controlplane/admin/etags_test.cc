#include "controlplane/admin/etags.h"

#include <functional>
#include <vector>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::vector<Cidr> Networks(const char* network) { return {Cidr::Parse(network).value()}; }

LiveRule Rule() {
  LiveRule rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  rule.allow = Networks("10.0.0.0/8");
  rule.backends.push_back(
      {.name = "a", .address = Endpoint::FromIp("10.0.0.1", 80).value(), .check_host = ""});
  return rule;
}

TEST(EtagsTest, ThatOfARuleChangesWithEverySettingThatConnectionsMeet) {
  const std::string before = EtagOf(Rule());
  EXPECT_EQ(EtagOf(Rule()), before);
  const std::vector<std::function<void(LiveRule&)>> changes = {
      [](LiveRule& r) { r.listen = Endpoint::FromIp("127.0.0.1", 8081).value(); },
      [](LiveRule& r) { r.max_connections = 5; },
      [](LiveRule& r) { r.queue.emplace(); },
      [](LiveRule& r) { r.rate_limit = RateLimitConfig{.requests_per_second = 5}; },
      [](LiveRule& r) { r.own_rate_limit = true; },
      [](LiveRule& r) { r.bandwidth_limit = BandwidthLimitConfig{.client = {5}, .backend = {}}; },
      [](LiveRule& r) { r.own_bandwidth_limit = true; },
      [](LiveRule& r) { r.allow = Networks("10.0.0.0/9"); },
      [](LiveRule& r) { r.deny = Networks("10.1.0.0/16"); },
      [](LiveRule& r) { std::swap(r.allow, r.deny); },
      [](LiveRule& r) { r.proxy_protocol.accept = true; },
      [](LiveRule& r) { r.proxy_protocol.send = ProxyVersion::kV2; },
      [](LiveRule& r) { r.balance.algorithm = BalanceConfig::Algorithm::kMaglev; },
      [](LiveRule& r) { r.balance.panic_threshold_percent = 50; },
      [](LiveRule& r) { r.outlier_detection.emplace(); },
      [](LiveRule& r) { r.drain_timeout = std::chrono::seconds(5); },
      [](LiveRule& r) { r.timeouts.idle = std::chrono::seconds(5); },
      [](LiveRule& r) { r.connect_attempts = 1; },
      [](LiveRule& r) { r.access_log = "stdout"; },
      [](LiveRule& r) { r.backends[0].weight = 2; },
      [](LiveRule& r) { r.backends[0].max_connections = 2; },
      [](LiveRule& r) { r.backends[0].backup = true; },
      [](LiveRule& r) { r.backends[0].admin_state = type::v1::ADMIN_STATE_MAINT; },
      [](LiveRule& r) { r.backends[0].address = Endpoint::FromIp("10.0.0.2", 80).value(); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    LiveRule rule = Rule();
    changes[i](rule);
    EXPECT_NE(EtagOf(rule), before) << i;
  }
}

TEST(EtagsTest, ThatOfARuleTellsLongListsApart) {
  LiveRule rule = Rule();
  for (int i = 0; i < 1'000; ++i)
    rule.deny.push_back(
        Cidr::Parse("192.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)).value());
  const std::string before = EtagOf(rule);
  rule.deny.back() = Cidr::Parse("192.0.3.250").value();
  EXPECT_NE(EtagOf(rule), before);
}

}  // namespace
}  // namespace lb::controlplane
