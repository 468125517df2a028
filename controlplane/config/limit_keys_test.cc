// The keys of limits that stand at the top level and in rules, and those of outlier detection.
#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

LoadResult LoadWith(const std::string& rule, const std::string& top) {
  const TestSources sources;
  return Load(absl::StrCat("rules:\n- name: a\n  listen: 127.0.0.1:1\n",
                           "  backends: ['127.0.0.1:2']\n", rule, top),
              sources.Get());
}

Config Good(const std::string& rule, const std::string& top) {
  LoadResult result = LoadWith(rule, top);
  EXPECT_EQ(result.findings_total, 0u) << result.findings.at(0).message;
  return result.config.value_or(Config{{RuleConfig()}, {}});
}

// "CODE field: message", line by line.
std::string Findings(const std::string& rule, const std::string& top) {
  std::string text;
  for (const Finding& finding : LoadWith(rule, top).findings)
    absl::StrAppend(&text, finding.code, " ", finding.field, ": ", finding.message, "\n");
  return text;
}

TEST(LimitKeysTest, ABandwidthLimitIsOfTheHostUnlessItSaysOtherwise) {
  const std::string rate = "client: {upload_per_sec: 1MB/s}";
  const auto top = [&](const std::string& more) {
    return absl::StrCat("bandwidth_limit: {", rate, more,
                        "}\ncluster: {bind_addr: '127.0.0.1:7946'}\n");
  };
  EXPECT_FALSE(Good("", top("")).bandwidth_limit->shared);
  EXPECT_TRUE(Good("", top(", scope: cluster")).bandwidth_limit->shared);
  const std::string own = "  bandwidth_limit: {client: {upload_per_sec: 2MB/s}}\n";
  EXPECT_TRUE(Good(own, top(", scope: cluster")).rules.at(0).bandwidth_limit->shared);
  EXPECT_FALSE(Good("  bandwidth_limit: {scope: node}\n", top(", scope: cluster"))
                   .rules.at(0)
                   .bandwidth_limit->shared);
}

double BurstOfRule(const std::string& rule, const std::string& top) {
  return Good(absl::StrCat("  rate_limit: ", rule, "\n"), absl::StrCat("rate_limit: ", top, "\n"))
      .rules.at(0)
      .rate_limit->Burst();
}

TEST(LimitKeysTest, ABurstThatNobodyWroteFollowsTheRateInForce) {
  EXPECT_EQ(BurstOfRule("{requests_per_second: 1000}", "{requests_per_second: 10}"), 1'000);
  EXPECT_EQ(BurstOfRule("{requests_per_second: 1000}", "{requests_per_second: 10, burst: 50}"), 50);
  EXPECT_EQ(BurstOfRule("{burst: 7}", "{requests_per_second: 10, burst: 50}"), 7);
  EXPECT_EQ(BurstOfRule("{enforce: shadow}", "{requests_per_second: 10}"), 10);
  EXPECT_EQ(Good("", "rate_limit: {requests_per_second: 10}\n").rate_limit->Burst(), 10);
}

TEST(LimitKeysTest, WhatTheTopLevelSaysIsThereForRulesThoughItIsOff) {
  const Config rate = Good("  rate_limit: {enabled: true}\n",
                           "rate_limit: {enabled: false, requests_per_second: 10}\n");
  EXPECT_FALSE(rate.rate_limit.has_value());
  EXPECT_EQ(rate.rules.at(0).rate_limit->requests_per_second, 10);
  const Config bandwidth =
      Good("  bandwidth_limit: {client: {burst: 1MB}}\n",
           "bandwidth_limit: {enabled: false, client: {upload_per_sec: 1MB/s}}\n");
  EXPECT_FALSE(bandwidth.bandwidth_limit.has_value());
  EXPECT_EQ(bandwidth.rules.at(0).bandwidth_limit->client.upload_bytes_per_s, 1'000'000u);
  EXPECT_EQ(bandwidth.rules.at(0).bandwidth_limit->client.burst_bytes, 1'000'000u);
}

TEST(LimitKeysTest, ABurstOfWhatHasNoRateIsADoubt) {
  const char* doubt =
      "bandwidth_limit.client.burst: no rate of a client is limited: it bounds nothing\n";
  EXPECT_EQ(Findings("  bandwidth_limit: {client: {burst: 1MB}}\n",
                     "bandwidth_limit: {backend: {upload_per_sec: 1MB/s}}\n"),
            absl::StrCat("LB0232 rules[0].", doubt));
  const std::string top =
      "bandwidth_limit: {client: {burst: 1MB}, backend: {upload_per_sec: 1MB/s}}\n";
  EXPECT_EQ(Findings("", top), absl::StrCat("LB0232 ", doubt));
  EXPECT_EQ(Findings("  bandwidth_limit: {client: {upload_per_sec: 1MB/s}}\n", top), "");
}

TEST(LimitKeysTest, ToEjectNobodyIsSaidByTurningItOff) {
  EXPECT_EQ(Findings("  outlier_detection: {max_ejected: 0%}\n", "").substr(0, 48),
            "LB0106 rules[0].outlier_detection.max_ejected: \'");
  EXPECT_FALSE(Good("  outlier_detection: {enabled: false}\n", "").rules.at(0).outlier_detection);
}

TEST(LimitKeysTest, AConnectMayTakeLessThanItsTimeout) {
  const Config config = Good("  outlier_detection: {max_connect_time: 250ms}\n", "");
  EXPECT_EQ(config.rules.at(0).outlier_detection->max_connect_time, std::chrono::milliseconds(250));
  EXPECT_EQ(
      Findings("  outlier_detection: {max_connect_time: 2s}\n  timeouts: {connect: 2s}\n", ""),
      "LB0116 rules[0].outlier_detection.max_connect_time: no connect takes that long: "
      "timeouts.connect is 2000 ms\n");
}

// The hint of the only finding.
std::string HintOf(const std::string& rule, const std::string& top) {
  const LoadResult result = LoadWith(rule, top);
  EXPECT_EQ(result.findings.size(), 1u) << rule << top;
  return result.findings.empty() ? "" : result.findings[0].hint;
}

TEST(LimitKeysTest, AFactorIsHintedAtAsThePercentageThatItMeans) {
  EXPECT_EQ(HintOf("  balance: maglev\n  hash_balance_factor: 1.25\n", ""), "write 125%");
  EXPECT_EQ(HintOf("  panic_threshold: 0.5\n", ""), "write 50%");
  EXPECT_EQ(HintOf("  panic_threshold: 50\n", ""), "write 50%");
  EXPECT_EQ(HintOf("  panic_threshold: 0.333\n", ""), "write 50%");  // The example.
}

TEST(LimitKeysTest, WhatOthersCallItIsHintedAt) {
  EXPECT_EQ(HintOf("  balance: round_robin\n", ""), "did you mean 'weighted_round_robin'?");
  EXPECT_EQ(HintOf("  balance: leastconn\n", ""), "did you mean 'least_connections'?");
  EXPECT_EQ(HintOf("  outlier_detection: {consecutive_failures: 3}\n", ""),
            "did you mean 'failures'?");
  EXPECT_EQ(HintOf("", "bandwidth_limit: {client: {upload: 1MB/s, upload_per_sec: 1MB/s}}\n"),
            "did you mean 'upload_per_sec'?");
  EXPECT_EQ(HintOf("", "rate_limit: {requests_per_second: 5/min}\n"),
            "write 500/s; rates are per second, and whole numbers");
  EXPECT_EQ(HintOf("", "max_connections: 5\n"), "it stands in rules[] or rules[].backends[]");
}

TEST(LimitKeysTest, ALimitOfOneClientAboveThatOfAllIsADoubt) {
  EXPECT_EQ(Findings("  max_connections: 5\n  max_connections_per_client: 6\n", ""),
            "LB0251 rules[0].max_connections_per_client: it never refuses anybody: max_connections "
            "of the rule is 5\n");
  EXPECT_EQ(Findings("  max_connections: 5\n  max_connections_per_client: 5\n", ""), "");
}

TEST(LimitKeysTest, OnlyBackupsAreADoubt) {
  const TestSources sources;
  const LoadResult result = Load(
      "rules:\n- name: a\n  listen: 127.0.0.1:1\n"
      "  backends: [{address: '127.0.0.1:2', backup: true}]\n",
      sources.Get());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].code, "LB0250");
}

}  // namespace
}  // namespace lb::controlplane
