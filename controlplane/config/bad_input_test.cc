// Goal: every kind of bad input is refused at its place. Method: a table of texts with the finding
// each must give, and no other.

#include <algorithm>
#include <string>
#include <vector>

#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

struct Case {
  std::string text;
  std::string finding;     // "LINE:COLUMN+WIDTH CODE FIELD", as many lines as findings.
  std::string words = "";  // Part of the first finding's message and hint.
};

std::string Describe(const Finding& finding) {
  return std::to_string(finding.line) + ":" + std::to_string(finding.column) + "+" +
         std::to_string(finding.width) + " " + finding.code +
         (finding.field.empty() ? "" : " " + finding.field);
}

// A file with one rule, whose lines from 5 on are `rest`.
std::string Rule(const std::string& rest) {
  return "rules:\n- name: a\n  listen: 0.0.0.0:80\n  backends: [\"10.0.0.1:80\"]\n" + rest;
}

// As Rule, with a limit of its backend on line 5 and `rest` from line 6 on.
std::string Limited(const std::string& rest) {
  return Rule("  backend_connection_limit: 5\n" + rest);
}

// A file with one good rule and, from line 2 on, `rest`.
std::string Top(const std::string& rest) {
  return "rules: [{name: a, listen: '0.0.0.0:80', backends: ['10.0.0.1:80']}]\n" + rest;
}

void Check(const std::vector<Case>& cases) {
  TestSources sources;
  sources.env = {{"LIMIT", "50"}, {"SECRET", "hunter2"}, {"NOTHING", ""}, {"HOST", "10.0.0.6"}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text.substr(0, 300));
    const LoadResult result = Load(one.text, sources.Get());
    std::string found;
    for (const Finding& finding : result.findings)
      found += (found.empty() ? "" : "\n") + Describe(finding);
    EXPECT_EQ(found, one.finding);
    if (result.findings.empty()) continue;
    const Finding& first = result.findings.front();
    const std::string said = first.message + "; " + first.hint;
    EXPECT_NE(said.find(one.words), std::string::npos) << said;
    EXPECT_EQ(said.find("hunter2"), std::string::npos) << said;
    const bool has_error = std::any_of(
        result.findings.begin(), result.findings.end(),
        [](const Finding& finding) { return finding.severity == Finding::Severity::kError; });
    EXPECT_EQ(result.config.has_value(), !has_error);
  }
}

TEST(BadInputTest, WhatIsNoYamlIsRefused) {
  Check({
      {"", "0:0+0 LB0122", "no content"},
      {"# only a comment\n\n", "0:0+0 LB0122"},
      {"---\n", "0:0+0 LB0122"},
      {"~\n", "0:0+0 LB0122"},
      {std::string("rules: []\0", 10), "1:10+1 LB0121", "binary"},
      {"\x7F"
       "ELF\x02\x01",
       "1:1+1 LB0121", "binary"},
      {"rules: []\n# caf\xE9\n", "2:6+1 LB0121", "not UTF-8"},
      {"\xFF\xFEr\0u\0", "1:1+1 LB0121", "UTF-16"},
      {"# \xED\xA0\x80\n", "1:3+1 LB0121"},
      {"rules: []\n# caf\xC3\xA9 \xC2\x9B\n", "2:8+1 LB0121", "control"},
      {"rules: []\n# a\xE2\x80\xAE"
       "b\n",
       "2:4+1 LB0121", "direction"},
      {"rules: [] # \xE2\x81\xA6\n", "1:13+1 LB0121", "direction"},
      {"rules: [] # \xD8\x9C\n", "1:13+1 LB0121", "direction"},
      {std::string(kMaxConfigBytes + 1, ' '), "0:0+0 LB0120", "10485761 bytes"},
      {"rules:\n\t- name: a\n", "2:1+1 LB0123", "spaces"},
      {"rules:\n  - name: a\n\tlisten: b\n", "3:1+1 LB0123", "spaces"},
      {"rules: []\n---\nrules: []\n", "2:1+3 LB0124", "second document"},
      {"rules:\n  - name: \"App", "2:12+1 LB0101", "quote"},
      {"rules: [{name: a,\n", "1:18+1 LB0101", "complete?"},
      {"a: b: c\n", "1:5+1 LB0101"},
      {"rules: [{listen: ${X}}]\n", "1:19+1 LB0101", "in quotes"},
      {"just text\n", "1:1+9 LB0104", "must be a map"},
      {"- a\n", "1:1+1 LB0104", "must be a map"},
      {"rules: !!seq []\n", "1:8+1 LB0127 rules", "tag"},
      {"%YAML 1.1\n---\nrules: []\n", "2:1+3 LB0127", "1.2"},
      {"? [a]\n: b\n", "1:3+1 LB0127", "plain text"},
      {"rules: []\nrules: []\n", "1:1+5 LB0208 rules\n2:1+5 LB0103 rules"},
      {Top("dns: {timeout: 1s, timeout: 2s}\n"), "2:20+7 LB0103 dns.timeout", "twice"},
  });
}

TEST(BadInputTest, AliasesAreBounded) {
  std::string laughs = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) laughs += ", " + last;
    laughs += "]\n";
  }
  std::string deep = "x-0: &a0 [x]\n";
  for (int i = 1; i < 70; ++i)
    deep += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  std::string deep_path = "a";
  for (int i = 0; i < 63; ++i) deep_path += "[0]";
  Check({
      {"x-a: &a [*a]\n", "1:11+1 LB0126 x-a[0]", "inside the value it names"},
      {"rules: *b\n", "1:9+1 LB0126 rules", "names no anchor"},
      {laughs, "6:42+2 LB0125 x-5[6]", "1000000 values"},
      {deep, "63:14+3 LB0125 x-62[0]", "64 maps and lists"},
      {"a: " + std::string(100, '['), "1:67+1 LB0125 " + deep_path, "64 maps and lists"},
  });
}

TEST(BadInputTest, KeysAreKnownAndComplete) {
  Check({
      {Rule("  lisen: x\n"), "5:3+5 LB0102 rules[0].lisen", "did you mean 'listen'?"},
      {Top("timeouts: {}\n"), "2:1+8 LB0102 timeouts", "it stands in rules[]"},
      {Top("<<: {}\n"), "2:1+2 LB0102 <<", "merge keys"},
      {Top("xyz: 1\n"), "2:1+3 LB0102 xyz", "unknown key 'xyz'"},
      {Top("x-yz: 1\n"), ""},
      {Top("dns: {x-y: 1}\n"), ""},
      {"rules:\n- listen: 0.0.0.0:80\n  backends: []\n",
       "2:3+1 LB0107 rules[0].name\n3:3+8 LB0209 rules[0].backends", "key 'name' is missing"},
      {"rules:\n- name: a\n", "2:3+1 LB0107 rules[0].backends\n2:3+1 LB0107 rules[0].listen"},
      {"rules:\n", "1:1+5 LB0104 rules", "has no value"},
      {Top("health_check:\n"), "2:1+12 LB0104 health_check", "has no value"},
      {Top("health_check: 5\n"), "2:15+1 LB0104 health_check", "must be a map, not '5'"},
      {Top("health_check: [a]\n"), "2:1+12 LB0104 health_check", "must be a map, not a list"},
      {Top("dns: {servers: 10.0.0.1}\n"), "2:16+8 LB0104 dns.servers", "must be a list"},
      {Top("dns: {timeout: [1s]}\n"), "2:7+7 LB0104 dns.timeout", "a list stands where"},
  });
}

TEST(BadInputTest, ValuesHaveTheirTypeUnitAndRange) {
  Check({
      {Top("health_check: {enabled: yes}\n"), "2:25+3 LB0109 health_check.enabled", "write true"},
      {Top("health_check: {enabled: Off}\n"), "2:25+3 LB0109 health_check.enabled", "write false"},
      {Top("health_check: {enabled: \"true\"}\n"), "2:25+6 LB0104 health_check.enabled",
       "remove the quotes"},
      {Top("health_check: {enabled: 1}\n"), "2:25+1 LB0104 health_check.enabled"},
      {Top("health_check: {rise: \"2\"}\n"), "2:22+3 LB0104 health_check.rise", "quotes"},
      {Top("health_check: {rise: 0}\n"), "2:22+1 LB0106 health_check.rise", "1 to 100"},
      {Top("health_check: {rise: -1}\n"), "2:22+2 LB0106 health_check.rise"},
      {Top("health_check: {rise: 2.0}\n"), "2:22+3 LB0104 health_check.rise", "whole number"},
      {Top("health_check: {rise: 0x2}\n"), "2:22+3 LB0104 health_check.rise"},
      {Top("health_check: {rise: 99999999999999999999}\n"), "2:22+20 LB0106 health_check.rise"},
      {Top("health_check: {rise: many}\n"), "2:22+4 LB0104 health_check.rise"},
      {Top("health_check: {interval_ms: 5}\n"), "2:29+1 LB0106 health_check.interval_ms",
       "10ms to 24h"},
      {Top("health_check: {interval_ms: 5 s}\n"), "2:29+3 LB0110 health_check.interval_ms"},
      {Top("health_check: {protocol: htpp}\n"), "2:26+4 LB0105 health_check.protocol",
       "did you mean 'http'?"},
      {Top("health_check: {protocol: https}\n"), "2:26+5 LB0105 health_check.protocol",
       "did you mean 'http'?"},
      {Top("health_check: {path: health}\n"), "2:22+6 LB0108 health_check.path", "begin with '/'"},
      {Top("health_check: {path: \"/a b\"}\n"), "2:22+6 LB0108 health_check.path"},
      {Top("health_check: {port: 0}\n"), "2:22+1 LB0106 health_check.port"},
      {Rule("  timeouts: {connect: 30}\n"), "5:23+2 LB0110 rules[0].timeouts.connect",
       "'30' has no unit; write 250ms, 5s"},
      {Rule("  timeouts: {idle: 1.5s}\n"), "5:20+4 LB0110 rules[0].timeouts.idle",
       "'1.5s' is not a whole number; write it in a smaller unit, as 1500ms"},
      {Rule("  timeouts: {idle: 1d}\n"), "5:20+2 LB0110 rules[0].timeouts.idle", "unknown unit"},
      {Rule("  timeouts: {idle: 0s}\n"), "5:20+2 LB0106 rules[0].timeouts.idle"},
      {Rule("  timeouts: {idle: soon}\n"), "5:20+4 LB0104 rules[0].timeouts.idle", "a duration"},
      {Rule("  connect_attempts: 11\n"), "5:21+2 LB0106 rules[0].connect_attempts", "1 to 10"},
      {Rule("  backend_connection_limit: 0\n"), "5:29+1 LB0106 rules[0].backend_connection_limit"},
      {Rule("  backend_connection_limit: {scope: node}\n"),
       "5:3+24 LB0107 rules[0].backend_connection_limit.limit"},
      {Rule("  backend_connection_limit: {limit: 1, scope: cluster}\n"),
       "5:47+7 LB0253 rules[0].backend_connection_limit.scope", "add the section cluster"},
      {Rule("  backend_connection_limit: {limit: 1, scope: world}\n"),
       "5:47+5 LB0105 rules[0].backend_connection_limit.scope"},
      {Rule("  max_connections: 0\n"), "5:20+1 LB0106 rules[0].max_connections", "1 to 1000000000"},
      {Limited("  queue: {max: 0}\n"), "6:16+1 LB0106 rules[0].queue.max", "1 to 1000000"},
      {Limited("  queue: {max: 1000001}\n"), "6:16+7 LB0106 rules[0].queue.max"},
      {Limited("  queue: {timeout: 5}\n"), "6:20+1 LB0110 rules[0].queue.timeout", "no unit"},
      {Limited("  queue: {timeout: 0ms}\n"), "6:20+3 LB0106 rules[0].queue.timeout", "1ms to 1h"},
      {Limited("  queue: {timeout: 61m}\n"), "6:20+3 LB0106 rules[0].queue.timeout"},
      {Limited("  queue: 100\n"), "6:10+3 LB0104 rules[0].queue", "must be a map, not '100'"},
      {Rule("  balance: random\n"), "5:12+6 LB0105 rules[0].balance", "weighted_round_robin"},
      {Rule("  hash_balance_factor: 125%\n"), "5:24+4 LB0116 rules[0].hash_balance_factor",
       "does nothing with balance: weighted_round_robin"},
      {Rule("  balance: maglev\n  hash_balance_factor: 99%\n"),
       "6:24+3 LB0106 rules[0].hash_balance_factor", "100% to 1000%"},
      {Rule("  panic_threshold: 101%\n"), "5:20+4 LB0106 rules[0].panic_threshold"},
      {Top("dns: {servers: [dns.example.com]}\n"), "2:17+15 LB0108 dns.servers[0]"},
      {Top("dns: {min_ttl: 10s, max_ttl: 5s}\n"), "2:30+2 LB0116 dns.max_ttl", "above max_ttl"},
      {Top("dns: {min_ttl: 10m}\n"), "2:16+3 LB0116 dns.min_ttl", "above max_ttl"},
  });
}

TEST(BadInputTest, NamesAndAddressesHaveTheirForm) {
  const auto listen = [](const std::string& value) {
    return "rules:\n- name: a\n  backends: [\"10.0.0.1:80\"]\n  listen: " + value + "\n";
  };
  const auto name = [](const std::string& value) {
    return "rules:\n- listen: 0.0.0.0:80\n  backends: [\"10.0.0.1:80\"]\n  name: " + value + "\n";
  };
  const auto backend = [](const std::string& value) {
    return "rules:\n- name: a\n  listen: 0.0.0.0:80\n  backends:\n  - " + value + "\n";
  };
  Check({
      {listen(":8080"), "4:11+5 LB0108 rules[0].listen", "write 0.0.0.0:PORT"},
      {listen("\"*:8080\""), "4:11+8 LB0108 rules[0].listen", "write 0.0.0.0:PORT"},
      {listen("8080"), "4:11+4 LB0104 rules[0].listen", "write 0.0.0.0:PORT"},
      {listen("localhost:8080"), "4:11+14 LB0108 rules[0].listen", "write an IP address"},
      {listen("unix:/a"), "4:11+7 LB0108 rules[0].listen", "unix sockets"},
      {listen("0.0.0.0:0"), "4:11+9 LB0108 rules[0].listen", "1 to 65535"},
      {listen("0.0.0.0"), "4:11+7 LB0108 rules[0].listen", "port is missing"},
      {listen("[::]:80"), "4:15+1 LB0101", "brackets in quotes"},
      {name("a/b"), "4:9+3 LB0108 rules[0].name", "letters, digits"},
      {name("\"\""), "4:9+2 LB0108 rules[0].name", "empty"},
      {name("\"a\\nb\""), "4:9+6 LB0108 rules[0].name", "control character"},
      {name("7"), "4:9+1 LB0104 rules[0].name", "write \"7\" in quotes"},
      {name("true"), "4:9+4 LB0104 rules[0].name", "in quotes"},
      {name(std::string(64, 'n')), "4:9+64 LB0106 rules[0].name", "63 bytes"},
      {backend("10.0.0.1"), "5:5+8 LB0108 rules[0].backends[0]", "port is missing"},
      {backend("{address: 10.0.0.1}"), "5:15+8 LB0108 rules[0].backends[0].address"},
      {backend("{name: b}"), "5:5+1 LB0107 rules[0].backends[0].address"},
      {backend("{address: \"h:1\", weight: 65536}"), "5:30+5 LB0106 rules[0].backends[0].weight"},
      {backend("[a]"), "5:5+1 LB0104 rules[0].backends[0]", "the item must be a map"},
      {backend(""), "5:5+1 LB0101", "is it complete?"},
  });
}

TEST(BadInputTest, SourcesAreAddressesOfThisHostAlone) {
  const auto source = [](const std::string& value) { return Rule("  source: " + value + "\n"); };
  std::string many = "[10.0.1.0";
  for (int i = 1; i <= 64; ++i) many += ", 10.0.1." + std::to_string(i);
  Check({
      {source("[10.0.0.5, \"${HOST}\"]"), ""},
      {source("[]"), ""},
      {source("10.0.0.5"), "5:11+8 LB0104 rules[0].source", "must be a list, not '10.0.0.5'"},
      {source("[localhost]"), "5:12+9 LB0108 rules[0].source[0]", "is not an IP address"},
      {source("[10.0.0.5, 10.0.0.0/24]"), "5:22+11 LB0108 rules[0].source[1]",
       "is not an IP address"},
      {source("[\"[fd00::5]\"]"), "5:12+11 LB0108 rules[0].source[0]", "is not an IP address"},
      {source("[\"10.0.0.5:80\"]"), "5:12+13 LB0108 rules[0].source[0]",
       "has a port, which the kernel chooses; write 10.0.0.5"},
      {source("[\"[fd00::5]:0\"]"), "5:12+13 LB0108 rules[0].source[0]", "write fd00::5"},
      {source("[0.0.0.0]"), "5:12+7 LB0108 rules[0].source[0]", "the kernel chooses"},
      {source("[\"::\"]"), "5:12+4 LB0108 rules[0].source[0]", "no address of a host"},
      {source("[7]"), "5:12+1 LB0104 rules[0].source[0]", "is not an IP address"},
      {source(many + "]"), "5:3+6 LB0106 rules[0].source", "has 65 items; at most 64"},
  });
}

TEST(BadInputTest, VariablesHaveValuesAndKeepThem) {
  Check({
      {Rule("  backend_connection_limit: ${LIMIT}\n"), ""},
      {Rule("  backend_connection_limit: \"${LIMIT}0\"\n"), ""},
      {Rule("  backend_connection_limit: ${NONE:-7}\n"), ""},
      {Rule("  backend_connection_limit: ${NOTHING:-7}\n"), ""},
      {Rule("  backend_connection_limit: ${NONE}\n"),
       "5:29+7 LB0112 rules[0].backend_connection_limit", "variable NONE is not set"},
      {Rule("  backend_connection_limit: ${NONE:?ask the network team}\n"),
       "5:29+29 LB0112 rules[0].backend_connection_limit", "ask the network team"},
      {Rule("  backend_connection_limit: ${NONE-7}\n"),
       "5:29+9 LB0112 rules[0].backend_connection_limit", "is no variable"},
      {Rule("  backend_connection_limit: ${NONE\n"),
       "5:29+6 LB0112 rules[0].backend_connection_limit", "'}' is missing"},
      {Rule("  backend_connection_limit: ${SECRET}\n"),
       "5:29+9 LB0104 rules[0].backend_connection_limit", "the value of ${...}"},
      {Rule("  connect_attempts: ${file:/none}\n"), "5:21+13 LB0113 rules[0].connect_attempts",
       "No such file"},
      {"x-a: ${NONE}\n" + Top(""), ""},
  });
}

TEST(BadInputTest, WhatIsNotBuiltYetIsRefusedOnceAndStillChecked) {
  Check({
      {Rule("  proxy_protocol: {send: v1, sent: v1}\n"),
       "5:30+4 LB0102 rules[0].proxy_protocol.sent"},
      {Rule("  allow: [10.0.0.0/33]\n"), "5:11+11 LB0108 rules[0].allow[0]"},
      {Rule("  timeouts: {max_duration: 1h}\n"), "5:14+12 LB0111 rules[0].timeouts.max_duration",
       "remove it"},
      {Rule("  rate_limit: {enabled: false, requests_per_second: 100/s}\n"), ""},
      {Rule("  rate_limit: {requests_per_second: 100}\n"), ""},
      {Rule("  rate_limit: {requests_per_second: 100, burst: 49}\n"),
       "5:49+2 LB0233 rules[0].rate_limit.burst", "set it to 50 or more"},
      {Top("rate_limit: {requests_per_second: 100, burst: 50}\n"), ""},
      {Top("rate_limit: {requests_per_second: 3, burst: 5}\n"),
       "2:35+1 LB0234 rate_limit.requests_per_second"},
      {Top("rate_limit: {enabled: false, requests_per_second: 3, burst: 1}\n"), ""},
      {Rule("  rate_limit: {burst: 10}\n"),
       "5:3+10 LB0107 rules[0].rate_limit.requests_per_second"},
      {Top("rate_limit: {}\n"), "2:1+10 LB0107 rate_limit.requests_per_second"},
      {Rule("  bandwidth_limit: {}\n"), "5:3+15 LB0107 rules[0].bandwidth_limit.client"},
      {Rule("  bandwidth_limit: {client: {burst: 1MB}}\n"),
       "5:3+15 LB0107 rules[0].bandwidth_limit.client"},
      {Rule("  bandwidth_limit: {backend: {upload_per_sec: 1MB/s}}\n"), ""},
      {Rule("  bandwidth_limit: {scope: cluster, backend: {upload_per_sec: 1MB/s}}\n"),
       "5:28+7 LB0253 rules[0].bandwidth_limit.scope"},
      {Rule("  bandwidth_limit: {scope: world, backend: {upload_per_sec: 1MB/s}}\n"),
       "5:28+5 LB0105 rules[0].bandwidth_limit.scope"},
      {Top("tls: {enabled: false, cert: /none, min_version: 1.3}\n"), ""},
      {Top("tls: {enabled: false, certs: /none}\n"), "2:23+5 LB0102 tls.certs"},
      {Top("bandwidth_limit: {enabled: false, client: {upload_per_sec: 100Mbit/s}}\n"), ""},
      {Top("bandwidth_limit: {enabled: false, client: {upload_per_sec: 1TB/s}}\n"),
       "2:60+5 LB0110 bandwidth_limit.client.upload_per_sec"},
      {Top("cluster: {enabled: false, overcommit: 1.5, peers: [\"a.example:7946\"]}\n"), ""},
      {Top("cluster: {enabled: false, overcommit: 0.5}\n"), "2:39+3 LB0106 cluster.overcommit",
       "1.0 to 100.0"},
      {Top("api: {http: \"127.0.0.1:9903\"}\n"), "2:1+3 LB0111 api"},
  });
}

TEST(BadInputTest, ContradictionsAreErrorsAndDoubtsAreWarnings) {
  const std::string two = "rules:\n- {name: a, listen: '0.0.0.0:80', backends: ['10.0.0.1:1']}\n";
  const auto backends = [](const std::string& list) {
    return "rules:\n- name: a\n  listen: 0.0.0.0:80\n  backends: " + list + "\n";
  };
  Check({
      {two + "- {name: a, listen: '0.0.0.0:81', backends: ['10.0.0.1:1']}\n",
       "3:10+1 LB0114 rules[1].name", "also the name of rules[0]"},
      {two + "- {name: b, listen: '0.0.0.0:80', backends: ['10.0.0.1:1']}\n",
       "3:21+12 LB0115 rules[1].listen", "also listened on by rules[0]"},
      {two + "- {name: b, listen: '127.0.0.1:80', backends: ['10.0.0.1:1']}\n",
       "3:21+14 LB0201 rules[1].listen", "covered by rule 'a'"},
      {two + "- {name: b, listen: '127.0.0.1:81', backends: ['10.0.0.1:1']}\n", ""},
      {two + "- {name: b, listen: '[::1]:80', backends: ['10.0.0.1:1']}\n", ""},
      {backends("['h:1', 'h:1']"), "4:21+5 LB0114 rules[0].backends[1]", "a name of its own"},
      {backends("['h:1', {address: 'h:1', name: b}]"), "4:31+5 LB0202 rules[0].backends[1]"},
      {backends("[{address: 'h:1', weight: 0}]"), "4:3+8 LB0205 rules[0].backends"},
      {backends("[]"), "4:3+8 LB0209 rules[0].backends"},
      {"rules: []\n", "1:1+5 LB0208 rules"},
      {"{}\n", "0:0+0 LB0208 rules", "nothing is listened on"},
      {Top("health_check: {timeout_ms: 5000}\n"), "2:28+4 LB0203 health_check.timeout_ms"},
      {Top("health_check: {interval_ms: 500}\n"), "2:29+3 LB0203 health_check.interval_ms"},
      {Top("health_check: {enabled: false, interval_ms: 500}\n"), ""},
      {Rule("  health_check: {timeout_ms: 9s}\n"),
       "5:30+2 LB0203 rules[0].health_check.timeout_ms"},
      {Top("backend_tls: {ignore_verify: true}\n"), "2:30+4 LB0207 backend_tls.ignore_verify"},
  });
}

TEST(BadInputTest, FewSlotsOverManyHostsAreADoubtUnlessSomebodyMayWait) {
  const auto with = [](const std::string& limit, const std::string& peers,
                       const std::string& more) {
    return Rule("  backend_connection_limit: {limit: " + limit + ", scope: cluster}\n" + more) +
           "cluster: {bind_addr: '127.0.0.1:7946', peers: [" + peers + "]}\n";
  };
  const std::string two = "'127.0.0.1:7946', '127.0.0.2:7946', '127.0.0.3:7946'";
  const std::string found = "LB0254 rules[0].backend_connection_limit";
  Check({
      {with("11", two, ""), "5:48+7 " + found, "add a queue"},
      {with("12", two, ""), ""},
      {with("11", two, "  queue: {}\n"), ""},
      {with("15", "'lb.test:7946'", ""), "5:48+7 " + found, "add a queue"},
      {with("16", "'lb.test:7946'", ""), ""},
      {with("15", "", ""), "5:48+7 " + found},
  });
}

TEST(BadInputTest, AQueueThatNeverFillsAndASourceThatIsNeverUsedAreDoubts) {
  const auto rule = [](const std::string& backends, const std::string& rest) {
    return "rules:\n- name: a\n  listen: 0.0.0.0:80\n  backends: " + backends + "\n  " + rest +
           "\n";
  };
  const std::string limited = "[{address: 'h:1', max_connections: 9}, 'h:2']";
  Check({
      {rule("['h:1']", "queue: {}"), "5:3+5 LB0210 rules[0].queue", "set backend_connection_limit"},
      {rule("['h:1']", "max_connections: 9\n  queue: {}"), "6:3+5 LB0210 rules[0].queue"},
      {rule(limited, "queue: {}"), ""},
      {rule("[]", "queue: {}"), "4:3+8 LB0209 rules[0].backends"},
      {rule("['h:1']", "source: [10.0.0.5, fd00::5]"), ""},
      {rule("['10.0.0.1:1']", "source: [10.0.0.5, fd00::5]"), "5:22+7 LB0212 rules[0].source[1]",
       "no backend has an IPv6 address"},
      {rule("['[fd00::1]:1']", "source: [10.0.0.5, fd00::5]"), "5:12+8 LB0212 rules[0].source[0]",
       "no backend has an IPv4 address"},
      {rule("['unix:/a']", "source: [10.0.0.5]"), "5:12+8 LB0212 rules[0].source[0]"},
      {rule("['10.0.0.1:1']", "source: [10.0.0.5, 10.0.0.6, \"::ffff:10.0.0.5\"]"),
       "5:32+17 LB0211 rules[0].source[2]", "10.0.0.5 is also rules[0].source[0]"},
  });
}

TEST(BadInputTest, FindingsAreCappedSortedAndCounted) {
  std::string text = "rules: []\n";
  for (int i = 0; i < 1'000; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const TestSources sources;
  const LoadResult result = Load(text, sources.Get());
  EXPECT_EQ(result.findings_total, 1'001u);
  ASSERT_EQ(result.findings.size(), kMaxFindings);
  EXPECT_EQ(result.findings[0].line, 2u);
  EXPECT_EQ(result.findings[99].line, 101u);
}

}  // namespace
}  // namespace lb::controlplane
