// The keys about a rule's clients: allow, deny, proxy_protocol, timeouts.handshake.
#include <string>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

LoadResult LoadRule(const std::string& rest) {
  const TestSources sources;
  return Load("rules:\n- name: a\n  listen: 127.0.0.1:1\n  backends: ['127.0.0.1:2']\n" + rest,
              sources.Get());
}

RuleConfig Rule(const std::string& rest) {
  const LoadResult result = LoadRule(rest);
  EXPECT_TRUE(result.config.has_value()) << rest;
  EXPECT_EQ(result.findings_total, 0u) << rest << result.findings[0].message;
  return result.config.value_or(Config{{RuleConfig()}, {}}).rules.at(0);
}

// "CODE field: message", line by line.
std::string Findings(const std::string& rest) {
  std::string text;
  for (const Finding& finding : LoadRule(rest).findings)
    absl::StrAppend(&text, finding.code, " ", finding.field, ": ", finding.message, "\n");
  return text;
}

TEST(ClientKeysTest, ListsReachTheConfiguration) {
  const RuleConfig rule =
      Rule("  allow: [10.0.0.0/8, fd00::/8]\n  deny: [10.1.2.3, 10.1.0.0/16]\n");
  ASSERT_EQ(rule.allow.size(), 2u);
  EXPECT_EQ(rule.allow[1].ToString(), "fd00::/8");
  ASSERT_EQ(rule.deny.size(), 2u);
  EXPECT_EQ(rule.deny[0].ToString(), "10.1.2.3/32");
  EXPECT_TRUE(Rule("").allow.empty());
  EXPECT_TRUE(Rule("  deny: []\n").deny.empty());
}

TEST(ClientKeysTest, AHeaderIsReadOfEverybodyOrOfThoseNamed) {
  EXPECT_EQ(Rule("").proxy_protocol, ProxyProtocolConfig());
  EXPECT_FALSE(Rule("  proxy_protocol: {accept: false}\n").proxy_protocol.accept);
  EXPECT_FALSE(Rule("  proxy_protocol: {accept: {enabled: false}}\n").proxy_protocol.accept);
  const RuleConfig all = LoadRule("  proxy_protocol: {accept: true}\n").config->rules.at(0);
  EXPECT_TRUE(all.proxy_protocol.accept && all.proxy_protocol.from.empty());
  const RuleConfig some = Rule(
      "  proxy_protocol: {accept: {from: [10.0.0.0/8]}, send: v2}\n"
      "  timeouts: {handshake: 3s}\n");
  EXPECT_TRUE(some.proxy_protocol.accept && some.proxy_protocol.refuse_others);
  EXPECT_EQ(some.proxy_protocol.from.at(0).ToString(), "10.0.0.0/8");
  EXPECT_EQ(some.timeouts.handshake, milliseconds(3'000));
  const ProxyProtocolConfig optional =
      Rule("  proxy_protocol: {accept: {from: [10.0.0.1], required: false}}\n").proxy_protocol;
  EXPECT_FALSE(optional.refuse_others);
}

TEST(ClientKeysTest, ChecksSendWhatConnectionsSend) {
  const RuleConfig rule = Rule("  proxy_protocol: {send: v1}\n  health_check: {}\n");
  EXPECT_EQ(rule.proxy_protocol.send, ProxyVersion::kV1);
  EXPECT_EQ(rule.health_check.proxy_header, ProxyVersion::kV1);
  EXPECT_EQ(Rule("  health_check: {}\n").health_check.proxy_header, ProxyVersion::kNone);
}

TEST(ClientKeysTest, WithoutFromThereAreNoOthersToTake) {
  const std::string off = "  proxy_protocol: {accept: {required: false}}\n";
  EXPECT_FALSE(LoadRule(off).config.has_value());
  EXPECT_EQ(Findings(off),
            "LB0116 rules[0].proxy_protocol.accept.required: without 'from' every client must send "
            "a header\n");
  EXPECT_EQ(Findings("  proxy_protocol: {accept: {enabled: false, required: false}}\n"), "");
}

TEST(ClientKeysTest, WhoMaySayToBeAnybodyIsADoubt) {
  const std::string doubt =
      "LB0230 rules[0].proxy_protocol.accept: whoever reaches the port may say to be anybody, past "
      "access lists and limits\n";
  EXPECT_EQ(Findings("  proxy_protocol: {accept: true}\n"), doubt);
  EXPECT_EQ(Findings("  proxy_protocol: {accept: {required: true}}\n"), doubt);
  EXPECT_EQ(Findings("  proxy_protocol: {accept: {from: [0.0.0.0/0, '::/0']}}\n"), "");
}

TEST(ClientKeysTest, ANetworkTwiceInOneListIsADoubt) {
  EXPECT_EQ(Findings("  deny: [10.0.0.0/8, 192.0.2.1, 192.0.2.1/32, 192.0.2.1]\n"),
            "LB0231 rules[0].deny[2]: 192.0.2.1/32 is also rules[0].deny[1]\n"
            "LB0231 rules[0].deny[3]: 192.0.2.1/32 is also rules[0].deny[2]\n");
  EXPECT_EQ(Findings("  allow: ['::/0', '::/0']\n"),
            "LB0231 rules[0].allow[1]: ::/0 is also rules[0].allow[0]\n");
  EXPECT_EQ(Findings("  proxy_protocol: {accept: {from: [10.0.0.1, 10.0.0.1]}}\n"),
            "LB0231 rules[0].proxy_protocol.accept.from[1]: 10.0.0.1/32 is also "
            "rules[0].proxy_protocol.accept.from[0]\n");
}

TEST(ClientKeysTest, WhatContradictsItselfOrMeansNothingIsRefused) {
  EXPECT_EQ(Findings("  allow: [10.0.0.0/8, 10.0.0.1]\n  deny: [10.0.0.1/32]\n"),
            "LB0116 rules[0].deny[0]: 10.0.0.1/32 is also rules[0].allow[1]\n");
  EXPECT_EQ(Findings("  allow: []\n"), "LB0106 rules[0].allow: 'allow' is empty\n");
  EXPECT_EQ(Findings("  proxy_protocol: {accept: {from: []}}\n"),
            "LB0106 rules[0].proxy_protocol.accept.from: 'from' is empty\n");
  EXPECT_EQ(Findings("  allow: [10.0.0.1/8]\n"),
            "LB0108 rules[0].allow[0]: '10.0.0.1/8' has bits set behind its prefix\n");
  EXPECT_EQ(Findings("  deny: [10.0.0.0/33]\n"),
            "LB0108 rules[0].deny[0]: '10.0.0.0/33': the prefix length must be 0 to 32\n");
  EXPECT_EQ(Findings("  deny: [proxy.internal]\n"),
            "LB0108 rules[0].deny[0]: 'proxy.internal' is not a network\n");
  EXPECT_EQ(Findings("  proxy_protocol: {send: v3}\n"),
            "LB0105 rules[0].proxy_protocol.send: 'v3' is not one of v1, v2\n");
  EXPECT_EQ(Findings("  timeouts: {handshake: 3s}\n"),
            "LB0220 rules[0].timeouts.handshake: clients need not send anything first: it limits "
            "nothing\n");
}

TEST(ClientKeysTest, AHundredThousandNetworksAreTheMost) {
  const auto list = [](const std::string& key, int count) {
    std::string text = "  " + key + ":\n";
    for (int i = 0; i < count; ++i)
      absl::StrAppend(&text, "    - ", key == "allow" ? 10 : 11, ".", i >> 16, ".", i >> 8 & 255,
                      ".", i & 255, "\n");
    return text;
  };
  EXPECT_EQ(Rule(list("allow", 50'000) + list("deny", 50'000)).deny.size(), 50'000u);
  EXPECT_EQ(Findings(list("allow", 50'000) + list("deny", 50'001)),
            "LB0106 rules[0].deny: allow and deny have 100001 networks together; at most 100000\n");
  EXPECT_EQ(Findings(list("deny", 100'001)),
            "LB0106 rules[0].deny: 'deny' has 100001 items; at most 100000\n");
}

}  // namespace
}  // namespace lb::controlplane
