#include "controlplane/snapshot/encode.h"

#include "base/sha256.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

LiveRules Rules() {
  LiveRule rule;
  rule.name = "web";
  rule.listen = Endpoint::FromIp("::1", 8080).value();
  rule.timeouts = {std::chrono::milliseconds(1), std::chrono::milliseconds(2),
                   std::chrono::milliseconds(3)};
  rule.connect_attempts = 4;
  rule.backends.push_back({.name = "b",
                           .address = Endpoint::Parse("unix:/run/b.sock").value(),
                           .weight = 5,
                           .max_connections = 6,
                           .check_host = "localhost"});
  return {rule};
}

std::vector<std::string> FeaturesOf(const LiveRules& rules) {
  type::v1::Snapshot snapshot;
  EXPECT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  return {snapshot.required_features().begin(), snapshot.required_features().end()};
}

TEST(EncodeTest, EverySettingOfARuleArrives) {
  const EncodedSnapshot encoded = Encode(Rules());
  EXPECT_EQ(encoded.digest, Sha256(encoded.bytes));
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(encoded.bytes));
  ASSERT_EQ(snapshot.rules_size(), 1);
  const type::v1::Rule& rule = snapshot.rules(0);
  EXPECT_EQ(rule.name(), "web");
  EXPECT_EQ(rule.listen(), "[::1]:8080");
  EXPECT_EQ(rule.timeouts().connect_ms(), 1u);
  EXPECT_EQ(rule.timeouts().idle_ms(), 2u);
  EXPECT_EQ(rule.timeouts().half_close_ms(), 3u);
  EXPECT_EQ(rule.connect_attempts(), 4u);
  EXPECT_EQ(rule.balance(), type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
  ASSERT_EQ(rule.backends_size(), 1);
  EXPECT_EQ(rule.backends(0).name(), "b");
  EXPECT_EQ(rule.backends(0).address(), "unix:/run/b.sock");
  EXPECT_EQ(rule.backends(0).weight(), 5u);
  EXPECT_EQ(rule.backends(0).max_connections(), 6u);
}

TEST(EncodeTest, TheAccessLogArrivesWithTheFeatureItNeeds) {
  LiveRules rules = {Rules()[0], Rules()[0]};
  EXPECT_TRUE(FeaturesOf(rules).empty());
  rules[1].name = "web2";
  rules[0].access_log = rules[1].access_log = "/var/log/access.log";
  rules[1].access_log_off = true;
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  EXPECT_EQ(snapshot.access_log(), "/var/log/access.log");
  EXPECT_FALSE(snapshot.rules(0).access_log_off());
  EXPECT_TRUE(snapshot.rules(1).access_log_off());
  EXPECT_EQ(FeaturesOf(rules), std::vector<std::string>{"access_log"});
}

TEST(EncodeTest, APartOfASmallWeightIsExact) {
  LiveRules rules = Rules();
  LiveBackend other = rules[0].backends[0];
  other.name = "c";
  other.weight = other.configured_weight = 1;
  rules[0].backends[0].weight = rules[0].backends[0].configured_weight = 1;
  rules[0].backends[0].weight_percent = 50;
  rules[0].backends.push_back(other);
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  EXPECT_EQ(snapshot.rules(0).backends(0).weight(), 50u);
  EXPECT_EQ(snapshot.rules(0).backends(1).weight(), 100u);
}

TEST(EncodeTest, ALimitAQueueAndSourcesArriveWithTheFeaturesTheyNeed) {
  LiveRules rules = {Rules()[0], Rules()[0]};
  rules[0].max_connections = 500;
  rules[1].name = "web2";
  rules[1].queue = QueueConfig{.max = 7, .timeout = std::chrono::milliseconds(250)};
  rules[1].source = {Endpoint::FromIp("10.0.0.5", 0).value(), Endpoint::FromIp("::1", 0).value()};
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  EXPECT_EQ(snapshot.rules(0).max_connections(), 500u);
  EXPECT_FALSE(snapshot.rules(0).has_queue());
  EXPECT_EQ(snapshot.rules(1).max_connections(), 0u);
  EXPECT_EQ(snapshot.rules(1).queue().max(), 7u);
  EXPECT_EQ(snapshot.rules(1).queue().timeout_ms(), 250u);
  ASSERT_EQ(snapshot.rules(1).source_addresses_size(), 2);
  EXPECT_EQ(snapshot.rules(1).source_addresses(0), "10.0.0.5");
  EXPECT_EQ(snapshot.rules(1).source_addresses(1), "::1");
  EXPECT_EQ(FeaturesOf(rules), (std::vector<std::string>{"queue", "rule_limit", "source"}));
  rules[1] = Rules()[0];
  EXPECT_EQ(FeaturesOf(rules), std::vector<std::string>{"rule_limit"});
  EXPECT_TRUE(FeaturesOf(Rules()).empty());
}

TEST(EncodeTest, AccessListsAndProxySettingsArriveWithTheFeaturesTheyNeed) {
  LiveRules rules = Rules();
  rules[0].allow = {Cidr::Parse("10.0.0.0/8").value(), Cidr::Parse("fd00::1").value()};
  rules[0].deny = {Cidr::Parse("10.1.0.0/16").value()};
  EXPECT_EQ(FeaturesOf(rules), std::vector<std::string>{"access"});
  rules[0].timeouts.handshake = std::chrono::milliseconds(77);
  rules[0].proxy_protocol = {.accept = true, .from = {}, .send = ProxyVersion::kV2};
  EXPECT_EQ(FeaturesOf(rules), (std::vector<std::string>{"access", "proxy_protocol"}));
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  const type::v1::Rule& rule = snapshot.rules(0);
  ASSERT_EQ(rule.allow_size(), 2);
  EXPECT_EQ(rule.allow(1), "fd00::1/128");
  ASSERT_EQ(rule.deny_size(), 1);
  EXPECT_EQ(rule.deny(0), "10.1.0.0/16");
  const type::v1::ProxyProtocol& all = rule.proxy_protocol();
  ASSERT_EQ(all.accept_from_size(), 2);
  EXPECT_EQ(all.accept_from(1), "::/0");
  EXPECT_EQ(all.header_timeout_ms(), 77u);
  EXPECT_EQ(all.send(), type::v1::ProxyProtocol::VERSION_2);
  rules[0].proxy_protocol.from = {Cidr::Parse("10.0.0.9").value()};
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  ASSERT_EQ(snapshot.rules(0).proxy_protocol().accept_from_size(), 1);
  EXPECT_TRUE(snapshot.rules(0).proxy_protocol().refuse_others());
}

TEST(EncodeTest, ACapOnClientsArrivesWithTheFeaturesItNeeds) {
  LiveRules rules = Rules();
  rules[0].max_connections_per_client = 9;
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  EXPECT_EQ(snapshot.rules(0).max_connections_per_client(), 9u);
  EXPECT_EQ(FeaturesOf(rules), (std::vector<std::string>{"client_limit", "rate_limit"}));
}

TEST(EncodeTest, OutlierDetectionArrivesWithTheFeatureItNeeds) {
  LiveRules rules = Rules();
  rules[0].outlier_detection = OutlierConfig{
      .failures = 7, .ejection_time = std::chrono::milliseconds(250), .max_ejected_percent = 20};
  EXPECT_EQ(FeaturesOf(rules), std::vector<std::string>{"outlier_detection"});
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  const type::v1::OutlierDetection& outlier = snapshot.rules(0).outlier_detection();
  EXPECT_EQ(outlier.failures(), 7u);
  EXPECT_EQ(outlier.ejection_time_ms(), 250u);
  EXPECT_EQ(outlier.max_ejected_percent(), 20u);
}

TEST(EncodeTest, ADrainIsToldWhereItIsPaced) {
  LiveRules rules = Rules();
  rules[0].backends[0].admin_state = type::v1::ADMIN_STATE_DRAIN;
  EXPECT_EQ(Encode(rules).digest, Encode(Rules()).digest);
  rules[0].drain_timeout = std::chrono::milliseconds(250);
  EXPECT_EQ(FeaturesOf(rules), std::vector<std::string>{"drain_timeout"});
  type::v1::Snapshot snapshot;
  ASSERT_TRUE(snapshot.ParseFromString(Encode(rules).bytes));
  EXPECT_EQ(snapshot.rules(0).drain_timeout_ms(), 250u);
  EXPECT_TRUE(snapshot.rules(0).backends(0).draining());
}

// Other bytes for the same rules would make every worker of a host load them again.
TEST(EncodeTest, RulesWithoutNewSettingsHaveTheBytesOfOlderReleases) {
  EXPECT_EQ(ToHex(Encode(Rules()).digest),
            "c88d15765c9411ebe3e2befedd5a76f41b924da8df7568b26b7f84a7831708c1");
}

TEST(EncodeTest, SettingsThatWorkersDoNotUseChangeNoDigest) {
  LiveRules other = Rules();
  EXPECT_EQ(Encode(other).digest, Encode(Rules()).digest);
  other[0].health_check.enabled = true;
  other[0].backends[0].check_host = "other";
  other[0].timeouts.handshake = std::chrono::milliseconds(1);
  EXPECT_EQ(Encode(other).digest, Encode(Rules()).digest);
  other[0].backends[0].weight = 0;
  EXPECT_NE(Encode(other).digest, Encode(Rules()).digest);
}

}  // namespace
}  // namespace lb::controlplane
