#include "controlplane/health/health_book.h"

#include <variant>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kUnknown = type::v1::HEALTH_STATE_UNKNOWN;
constexpr auto kHealthy = type::v1::HEALTH_STATE_HEALTHY;
constexpr auto kUnhealthy = type::v1::HEALTH_STATE_UNHEALTHY;

LiveRules Rules(size_t backends = 1) {
  LiveRule rule;
  rule.name = "web";
  rule.health_check.enabled = true;
  for (size_t i = 0; i < backends; ++i)
    rule.backends.push_back({.name = "b" + std::to_string(1'000'000 + i),
                             .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                             .weight = 1,
                             .max_connections = 0,
                             .check_host = "b"});
  return {rule};
}

class HealthBookTest : public testing::Test {
 protected:
  // Waits until a check is due and gives it a result.
  std::optional<BackendKey> Check(bool passed) {
    now_ = std::max(now_, book_.NextDeadline());
    std::vector<Action> actions;
    book_.Run(now_, actions);
    EXPECT_EQ(actions.size(), 1u);
    return book_.Done({std::get<StartProbe>(actions.at(0)).probe, passed, "", {}}, now_);
  }

  const BackendKey key_{"web", "b1000000"};
  Instant now_ = Instant(std::chrono::hours(2));
  HealthBook book_{7};
  std::vector<BackendKey> changed_;
};

TEST_F(HealthBookTest, TheFirstResultDecidesAloneAndLaterOnesByRiseAndFall) {
  book_.SetRules(Rules(), now_, changed_);
  EXPECT_EQ(book_.StateOf(key_), kUnknown);
  EXPECT_TRUE(Check(true));
  EXPECT_EQ(book_.StateOf(key_), kHealthy);
  EXPECT_FALSE(Check(false));
  EXPECT_FALSE(Check(false));
  EXPECT_FALSE(Check(true));  // Not in a row.
  EXPECT_FALSE(Check(false));
  EXPECT_FALSE(Check(false));
  EXPECT_TRUE(Check(false));
  EXPECT_EQ(book_.StateOf(key_), kUnhealthy);
  EXPECT_FALSE(Check(true));
  EXPECT_TRUE(Check(true));
  EXPECT_EQ(book_.StateOf(key_), kHealthy);
}

TEST_F(HealthBookTest, ChecksComeAtTheIntervalWithinTenPercentAndNeverOverlap) {
  book_.SetRules(Rules(), now_, changed_);
  Check(true);
  for (int i = 0; i < 100; ++i) {
    const Duration wait = book_.NextDeadline() - now_;
    EXPECT_GE(wait, milliseconds(4'500));
    EXPECT_LE(wait, milliseconds(5'500));
    Check(true);
  }
  now_ = book_.NextDeadline();
  std::vector<Action> actions;
  book_.Run(now_, actions);
  book_.Run(now_ + seconds(100), actions);
  EXPECT_EQ(actions.size(), 1u);
  EXPECT_EQ(book_.NextDeadline(), Instant::max());
}

TEST_F(HealthBookTest, StateIsKeptWhenParametersChangeAndForgottenWithTheBackend) {
  book_.SetRules(Rules(), now_, changed_);
  Check(false);
  LiveRules rules = Rules();
  rules[0].health_check.interval = seconds(1);
  book_.SetRules(rules, now_, changed_);
  EXPECT_EQ(book_.StateOf(key_), kUnhealthy);
  EXPECT_LE(book_.NextDeadline() - now_, milliseconds(1'100));
  rules[0].backends[0].address = Endpoint::FromIp("10.0.0.2", 80).value();
  book_.SetRules(rules, now_, changed_);
  EXPECT_EQ(book_.StateOf(key_), kUnknown);
}

TEST_F(HealthBookTest, ResultsOfForeignRemovedAndOutdatedChecksCountForNothing) {
  book_.SetRules(Rules(), now_, changed_);
  now_ = book_.NextDeadline();
  std::vector<Action> actions;
  book_.Run(now_, actions);
  const ProbeId probe = std::get<StartProbe>(actions.at(0)).probe;
  EXPECT_FALSE(book_.Done({probe + 1, false, "", {}}, now_));
  LiveRules other = Rules();
  other[0].health_check.path = "/new";
  book_.SetRules(other, now_, changed_);
  EXPECT_FALSE(book_.Done({probe, false, "", {}}, now_));
  EXPECT_EQ(book_.StateOf(key_), kUnknown);
  book_.SetRules({}, now_, changed_);
  EXPECT_EQ(book_.NextDeadline(), Instant::max());
}

TEST_F(HealthBookTest, WhatTheCheckDoesNotUseMayChangeWhileItIsInFlight) {
  LiveRules rules = Rules();
  book_.SetRules(rules, now_, changed_);
  now_ = book_.NextDeadline();
  std::vector<Action> actions;
  book_.Run(now_, actions);
  ++rules[0].backends[0].weight;
  rules[0].backends[0].max_connections = 7;
  book_.SetRules(rules, now_, changed_);
  EXPECT_TRUE(book_.Done({std::get<StartProbe>(actions.at(0)).probe, false, "", {}}, now_));
  EXPECT_EQ(book_.StateOf(key_), kUnhealthy);
}

TEST_F(HealthBookTest, OnlyTheBackendsOwnPortGetsItsProxyHeader) {
  const auto header_at = [&](std::optional<uint16_t> port) {
    LiveRules rules = Rules();
    rules[0].health_check.proxy_header = ProxyVersion::kV2;
    rules[0].health_check.port = port;
    HealthBook book(7);
    book.SetRules(rules, now_, changed_);
    std::vector<Action> actions;
    book.Run(book.NextDeadline(), actions);
    return std::get<StartProbe>(actions.at(0)).proxy_header;
  };
  EXPECT_EQ(header_at(std::nullopt), ProxyVersion::kV2);
  EXPECT_EQ(header_at(9), ProxyVersion::kNone);
}

TEST_F(HealthBookTest, ChecksOverTlsAskAsTheRulesConnectionsUnlessTheySayAnotherName) {
  LiveRules rules = Rules();
  rules[0].backends[0].server_name = "web.internal";
  rules[0].backend_tls = BackendTlsConfig{.ca = "/etc/lb/ca.pem", .alpn = {"redis"}};
  const auto probe = [&] {
    HealthBook book(7);
    book.SetMaterial(std::make_shared<const TlsMaterial>());
    book.SetRules(rules, now_, changed_);
    std::vector<Action> actions;
    book.Run(book.NextDeadline(), actions);
    return std::get<StartProbe>(actions.at(0));
  };
  EXPECT_FALSE(probe().tls);
  rules[0].health_check.tls.emplace();
  const StartProbe as_connections = probe();
  ASSERT_TRUE(as_connections.tls);
  EXPECT_EQ(as_connections.tls->server_name, "web.internal");
  EXPECT_EQ(*as_connections.tls->settings, *rules[0].backend_tls);
  EXPECT_NE(as_connections.tls->material, nullptr);
  rules[0].health_check.tls->server_name = "check.internal";
  EXPECT_EQ(probe().tls->server_name, "check.internal");
  rules[0].backend_tls->crl = "/etc/lb/ca.crl";
  rules[0].health_check.tls->ca = "/etc/lb/checks.pem";
  EXPECT_EQ(probe().tls->settings->ca, "/etc/lb/checks.pem");
  EXPECT_EQ(probe().tls->settings->crl, "") << "it is about other authorities";
  rules[0].health_check.tls->ca.reset();
  rules[0].health_check.tls->ignore_verify = true;
  EXPECT_TRUE(probe().tls->settings->ignore_verify);
  rules[0].health_check.tls.emplace();
  rules[0].backend_tls.reset();
  EXPECT_EQ(*probe().tls->settings, BackendTlsConfig{});
}

TEST_F(HealthBookTest, AResultOfACheckWithOtherTlsSettingsCountsForNothing) {
  LiveRules rules = Rules();
  rules[0].health_check.tls.emplace();
  rules[0].backend_tls = BackendTlsConfig{.ca = "/etc/lb/ca.pem"};
  for (const bool change_name : {false, true}) {
    HealthBook book(7);
    book.SetRules(rules, now_, changed_);
    std::vector<Action> actions;
    book.Run(book.NextDeadline(), actions);
    LiveRules other = rules;
    if (change_name)
      other[0].backends[0].server_name = "other.internal";
    else
      other[0].backend_tls->ca = "/etc/lb/new.pem";
    book.SetRules(rules, now_, changed_);  // The same again changes nothing.
    book.SetRules(other, now_, changed_);
    EXPECT_FALSE(book.Done({std::get<StartProbe>(actions.at(0)).probe, false, "", {}}, now_));
    EXPECT_EQ(book.StateOf(key_), kUnknown);
  }
}

TEST_F(HealthBookTest, WhatWasKnownBeforeStaysUntilRiseOrFallResults) {
  book_.Remember(key_, std::nullopt, kUnhealthy, now_);
  EXPECT_EQ(book_.StateOf(key_), kUnhealthy);  // Also before there is a configuration.
  book_.SetRules(Rules(), now_, changed_);
  EXPECT_EQ(book_.StateOf(key_), kUnhealthy);
  EXPECT_FALSE(book_.Remember(key_, std::nullopt, kHealthy, now_));
  EXPECT_FALSE(Check(true));
  EXPECT_TRUE(Check(true));
}

TEST_F(HealthBookTest, ManyBackendsAreSpreadOverTheInterval) {
  book_.SetRules(Rules(10'000), now_, changed_);
  size_t most = 0;
  for (int slice = 1; slice <= 50; ++slice) {
    std::vector<Action> actions;
    book_.Run(now_ + milliseconds(100 * slice), actions);
    most = std::max(most, actions.size());
  }
  EXPECT_LT(most, 400u);  // Of 200 on average.
  EXPECT_GT(most, 100u);
}

}  // namespace
}  // namespace lb::controlplane
