#include "controlplane/config/load.h"

#include <string>

#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kCore = R"(rules:
  - name: "AppService"
    listen: "0.0.0.0:8080"
    backends:
      - "10.0.0.1:8080"
      - "10.0.0.2:8080"
    backend_connection_limit: 1000 # Max conns per backend
rate_limit:
  enabled: true
  requests_per_second: 100         # new connections per second from one client IP
  burst: 50
bandwidth_limit:
  enabled: true
  client:
    upload_per_sec: 10485760       # bytes per second
    download_per_sec: 20971520
  # backend: {upload_per_sec, download_per_sec} likewise
tls:
  enabled: true
  cert: "/path/to/cert.pem"
  key: "/path/to/key.pem"
backend_tls:
  enabled: true
  ignore_verify: false             # true for self-signed backend certificates
cluster:
  enabled: true
  bind_addr: "0.0.0.0:9090"
  peers: ["10.0.0.2:9090"]
health_check:
  enabled: true
  interval_ms: 5000
  timeout_ms: 1000
  protocol: "http"                 # or "tcp"
  path: "/health"
)";

std::string Summary(const LoadResult& result) {
  std::string text;
  for (const Finding& finding : result.findings) {
    text += std::to_string(finding.line) + ":" + std::to_string(finding.column) + " " +
            finding.code + " " + finding.field + "\n";
  }
  return text;
}

TEST(LoadTest, TheCoreSchemaParsesVerbatimAndOnlyFilesThatAreNotThereAreRefused) {
  const TestSources sources;
  const LoadResult result = Load(kCore, sources.Get());
  EXPECT_FALSE(result.config.has_value());
  EXPECT_EQ(Summary(result),
            "20:9 LB0113 tls.cert\n"
            "21:8 LB0113 tls.key\n"
            "27:14 LB0206 cluster.bind_addr\n");
  EXPECT_EQ(result.findings[2].severity, Finding::Severity::kWarning);
  EXPECT_EQ(result.findings_total, 3u);
}

// The core schema with the sections named in it switched off: all but health_check.
std::string CoreWithSectionsOff() {
  std::string text(kCore);
  const size_t health_check = text.find("health_check:");
  for (size_t at = 0; (at = text.find("enabled: true", at)) < health_check;)
    text.replace(at, 13, "enabled: false");
  return text;
}

TEST(LoadTest, TheCoreSchemaLoadsWithSectionsSwitchedOff) {
  const TestSources sources;
  const LoadResult result = Load(CoreWithSectionsOff(), sources.Get());
  EXPECT_EQ(Summary(result), "");
  ASSERT_TRUE(result.config.has_value());
  ASSERT_EQ(result.config->rules.size(), 1u);
  const RuleConfig& rule = result.config->rules[0];
  EXPECT_EQ(rule.name, "AppService");
  EXPECT_EQ(rule.listen.ToString(), "0.0.0.0:8080");
  ASSERT_EQ(rule.backends.size(), 2u);
  EXPECT_EQ(rule.backends[1].name, "10.0.0.2:8080");
  EXPECT_EQ(rule.backends[1].address.ToString(), "10.0.0.2:8080");
  EXPECT_EQ(rule.backends[1].weight, 1u);
  EXPECT_EQ(rule.backend_connection_limit, 1000u);
  EXPECT_TRUE(rule.health_check.enabled);
  EXPECT_EQ(rule.health_check.protocol, HealthCheckConfig::Protocol::kHttp);
  EXPECT_EQ(rule.health_check.path, "/health");
  EXPECT_EQ(rule.health_check.interval, milliseconds(5000));
  EXPECT_EQ(rule.timeouts, TimeoutsConfig());
  EXPECT_EQ(rule.connect_attempts, 3u);
}

TEST(LoadTest, TheCoreSchemaLoadsWholeWhereItsFilesAre) {
  TestSources sources;
  sources.files = {{"/path/to/cert.pem", ""}, {"/path/to/key.pem", ""}};
  const LoadResult result = Load(kCore, sources.Get());
  ASSERT_TRUE(result.config.has_value()) << Summary(result);
  ASSERT_TRUE(result.config->cluster.has_value());
  EXPECT_EQ(result.config->cluster->bind_addr.ToString(), "0.0.0.0:9090");
  ASSERT_EQ(result.config->cluster->peers.size(), 1u);
  EXPECT_EQ(result.config->cluster->peers[0].ToString(), "10.0.0.2:9090");
  EXPECT_TRUE(result.config->cluster->keys.empty());
}

TEST(LoadTest, WhenBackendsAreLeftOutAndHowTheyDrain) {
  const TestSources sources;
  const auto load = [&](const std::string& keys) {
    return Load("rules: [{name: web, listen: '0.0.0.0:80', backends: ['10.0.0.1:80']" + keys + "}]",
                sources.Get());
  };
  LoadResult result = load(
      ", drain_timeout: 90s, outlier_detection: {failures: 3, ejection_time: 250ms, "
      "max_ejected: 20%}");
  ASSERT_TRUE(result.config.has_value()) << Summary(result);
  EXPECT_EQ(result.config->rules[0].drain_timeout, std::chrono::seconds(90));
  EXPECT_EQ(result.config->rules[0].outlier_detection,
            (OutlierConfig{
                .failures = 3, .ejection_time = milliseconds(250), .max_ejected_percent = 20}));
  result = load(", outlier_detection: {}");
  ASSERT_TRUE(result.config.has_value()) << Summary(result);
  EXPECT_EQ(result.config->rules[0].outlier_detection, OutlierConfig());
  for (const char* keys : {"", ", outlier_detection: {enabled: false, failures: 3}"}) {
    result = load(keys);
    ASSERT_TRUE(result.config.has_value()) << Summary(result);
    EXPECT_FALSE(result.config->rules[0].outlier_detection.has_value());
  }
}

TEST(LoadTest, EveryKeyInForceReachesTheConfiguration) {
  const TestSources sources;
  const LoadResult result = Load(R"(
rules:
  - name: web
    listen: "[::1]:80"
    backends:
      - {address: "app.internal:80", name: a, weight: 0, max_connections: 7, backup: true}
      - unix:/run/app.sock
      - address: _http._tcp.app.internal
        weight: 65535
    backend_connection_limit: {limit: 12, scope: node}
    max_connections: 500
    max_connections_per_client: 20
    queue: {max: 7, timeout: 250ms}
    source: [10.0.0.5, "::ffff:10.0.0.6", fd00::5]
    timeouts: {connect: 250ms, idle: 1h, half_close: 2m}
    connect_attempts: 10
    balance: maglev
    hash_balance_factor: 125%
    panic_threshold: 0%
    slow_start: 30s
    health_check: {protocol: tcp, rise: 1, fall: 9, port: 81, timeout_ms: 500ms}
health_check:
  protocol: http
  interval_ms: 10s
  path: /live?x=1
  expect_status: 204
dns: {servers: [10.0.0.53, "[fd00::53]:5353", "fd00::54"], timeout: 1s, min_ttl: 2s, max_ttl: 3s}
x-note: {anything: [even, {unknown: keys}]}
)",
                                 sources.Get());
  EXPECT_EQ(Summary(result), "");
  ASSERT_TRUE(result.config.has_value());
  const RuleConfig& rule = result.config->rules.at(0);
  EXPECT_EQ(rule.backends.at(0).name, "a");
  EXPECT_EQ(rule.backends.at(0).weight, 0u);
  EXPECT_EQ(rule.backends.at(0).max_connections, 7u);
  EXPECT_EQ(rule.backends.at(1).name, "unix:_run_app.sock");
  EXPECT_EQ(rule.backends.at(2).address.kind(), Endpoint::Kind::kSrv);
  EXPECT_EQ(rule.backends.at(2).weight, 65535u);
  EXPECT_EQ(rule.backend_connection_limit, 12u);
  EXPECT_EQ(rule.max_connections, 500u);
  EXPECT_EQ(rule.max_connections_per_client, 20u);
  EXPECT_EQ(rule.queue, (QueueConfig{7, milliseconds(250)}));
  ASSERT_EQ(rule.source.size(), 3u);
  EXPECT_EQ(rule.source[0].host(), "10.0.0.5");
  EXPECT_EQ(rule.source[1].host(), "10.0.0.6");
  EXPECT_EQ(rule.source[2].host(), "fd00::5");
  EXPECT_EQ(rule.timeouts.connect, milliseconds(250));
  EXPECT_EQ(rule.timeouts.idle, milliseconds(3'600'000));
  EXPECT_EQ(rule.timeouts.half_close, milliseconds(120'000));
  EXPECT_EQ(rule.connect_attempts, 10u);
  EXPECT_TRUE(rule.backends.at(0).backup);
  EXPECT_EQ(rule.balance,
            (BalanceConfig{BalanceConfig::Algorithm::kMaglev, 125, 0, milliseconds(30'000)}));
  EXPECT_EQ(rule.health_check.protocol, HealthCheckConfig::Protocol::kTcp);
  EXPECT_EQ(rule.health_check.path, "/live?x=1");
  EXPECT_EQ(rule.health_check.interval, milliseconds(10'000));
  EXPECT_EQ(rule.health_check.timeout, milliseconds(500));
  EXPECT_EQ(rule.health_check.rise, 1u);
  EXPECT_EQ(rule.health_check.fall, 9u);
  EXPECT_EQ(rule.health_check.expect_status, 204u);
  EXPECT_EQ(rule.health_check.port, 81);
  ASSERT_EQ(result.config->dns.servers.size(), 3u);
  EXPECT_EQ(result.config->dns.servers[0].ToString(), "10.0.0.53:53");
  EXPECT_EQ(result.config->dns.servers[1].ToString(), "[fd00::53]:5353");
  EXPECT_EQ(result.config->dns.servers[2].ToString(), "[fd00::54]:53");
  EXPECT_EQ(result.config->dns.max_ttl, milliseconds(3'000));
}

TEST(LoadTest, AHealthCheckIsOffWhenAbsentAndOnWhenItSaysNothing) {
  const TestSources sources;
  const auto load = [&](std::string_view rest) {
    const std::string text =
        "rules: [{name: a, listen: '127.0.0.1:1', backends: ['127.0.0.1:2']}]\n" +
        std::string(rest);
    const LoadResult result = Load(text, sources.Get());
    EXPECT_TRUE(result.config.has_value()) << rest;
    return result.config->rules.at(0).health_check.enabled;
  };
  EXPECT_FALSE(load(""));
  EXPECT_TRUE(load("health_check: {}"));
  EXPECT_TRUE(load("health_check: {enabled: true}"));
  EXPECT_FALSE(load("health_check: {enabled: false}"));
}

TEST(LoadTest, AQueueIsThereWhenItsSectionIsAndHasDefaults) {
  const TestSources sources;
  const auto load = [&](const std::string& rest) {
    const LoadResult result = Load(
        "rules:\n- {name: a, listen: '127.0.0.1:1', backends: ['127.0.0.1:2'], "
        "backend_connection_limit: 1" +
            rest + "}\n",
        sources.Get());
    EXPECT_EQ(Summary(result), "") << rest;
    return result.config.value_or(Config{{RuleConfig()}, {}}).rules.at(0);
  };
  EXPECT_EQ(load("").queue, std::nullopt);
  EXPECT_EQ(load("").max_connections, std::nullopt);
  EXPECT_TRUE(load("").source.empty());
  EXPECT_EQ(load(", queue: {}").queue, (QueueConfig{1'000, milliseconds(5'000)}));
  EXPECT_EQ(load(", queue: {max: 1}").queue, (QueueConfig{1, milliseconds(5'000)}));
  EXPECT_EQ(load(", queue: {timeout: 1h}").queue, (QueueConfig{1'000, milliseconds(3'600'000)}));
}

TEST(LoadTest, AHundredThousandBackendsLoad) {
  std::string text = "rules:\n- name: big\n  listen: 0.0.0.0:80\n  backends:\n";
  for (int i = 0; i < 100'000; ++i) {
    text += "  - {address: '10." + std::to_string(i / 65536) + "." + std::to_string(i / 256 % 256) +
            "." + std::to_string(i % 256) + ":80', name: b" + std::to_string(i) +
            ", weight: 3, max_connections: 100}\n";
  }
  const TestSources sources;
  const LoadResult result = Load(text, sources.Get());
  EXPECT_EQ(Summary(result), "");
  ASSERT_TRUE(result.config.has_value());
  EXPECT_EQ(result.config->rules[0].backends.size(), 100'000u);
}

}  // namespace
}  // namespace lb::controlplane
