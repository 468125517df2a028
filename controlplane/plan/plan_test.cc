#include "controlplane/plan/plan.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "controlplane/config/key_table.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using admin::v1::Change;

RuleConfig Rule(const std::string& name, const std::string& listen) {
  RuleConfig rule;
  rule.name = name;
  rule.listen = Endpoint::Parse(listen).value();
  rule.backends = {{"a", Endpoint::Parse("10.0.0.1:80").value(), 1, {}},
                   {"b", Endpoint::Parse("10.0.0.2:80").value(), 1, {}}};
  return rule;
}

class PlanTest : public testing::Test {
 protected:
  PlanTest() {
    from_.rules = {Rule("web", "0.0.0.0:80"), Rule("db", "0.0.0.0:81")};
    to_ = from_;
    worker::v1::StatsReport report;
    auto& rule = *report.add_rules();
    rule.set_rule("web");
    rule.set_connections(7);
    auto& backend = *report.add_backends();
    backend.set_rule("web");
    backend.set_backend("b");
    backend.set_connections(3);
    totals_.Report({"worker-1", "i"}, report);
  }

  Plan Make() const { return MakePlan(from_, to_, totals_); }

  Config from_;
  Config to_;
  Totals totals_;
};

TEST_F(PlanTest, EqualConfigurationsChangeNothing) {
  const Plan plan = Make();
  EXPECT_TRUE(plan.changes.empty());
  EXPECT_EQ(plan.rules_unchanged, 2u);
  EXPECT_EQ(plan.connections, 7u);
}

TEST_F(PlanTest, ARemovedBackendDrainsWithItsConnections) {
  to_.rules[0].backends.pop_back();
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].action(), Change::ACTION_DELETE);
  EXPECT_EQ(plan.changes[0].resource(), "rules/web/backends/b");
  EXPECT_EQ(plan.changes[0].connections_affected(), 3u);
  EXPECT_EQ(plan.rules_unchanged, 1u);
}

TEST_F(PlanTest, WithADrainTimeoutItsConnectionsAreClosed) {
  for (Config* config : {&from_, &to_})
    for (RuleConfig& rule : config->rules) rule.drain_timeout = std::chrono::seconds(30);
  to_.rules[0].backends.pop_back();
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].effect(),
            "drains: no new connections; 3 open are closed within 30000ms, paced");
}

TEST_F(PlanTest, AChangedFieldHasBothValuesAndLeavesConnectionsAlone) {
  to_.rules[0].timeouts.idle = std::chrono::seconds(5);
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].action(), Change::ACTION_UPDATE);
  EXPECT_EQ(plan.changes[0].field(), "timeouts.idle");
  EXPECT_EQ(plan.changes[0].old_value(), "600000ms");
  EXPECT_EQ(plan.changes[0].new_value(), "5000ms");
  EXPECT_EQ(plan.changes[0].connections_staying(), 7u);
}

TEST_F(PlanTest, RulesComeAndGo) {
  to_.rules[0] = Rule("new", "0.0.0.0:82");
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 2u);
  EXPECT_EQ(plan.changes[0].action(), Change::ACTION_DELETE);
  EXPECT_EQ(plan.changes[0].resource(), "rules/web");
  EXPECT_EQ(plan.changes[0].connections_affected(), 7u);
  EXPECT_EQ(plan.changes[1].action(), Change::ACTION_CREATE);
  EXPECT_EQ(plan.changes[1].resource(), "rules/new");
}

TEST_F(PlanTest, ALongListIsCutAndCounted) {
  for (size_t i = 0; i < Plan::kMaxChanges + 5; ++i)
    to_.rules[0].backends.push_back(
        {"n" + std::to_string(i), from_.rules[0].backends[0].address, 1, {}});
  const Plan plan = Make();
  EXPECT_EQ(plan.changes.size(), Plan::kMaxChanges);
  EXPECT_EQ(plan.changes_total, Plan::kMaxChanges + 5);
}

TEST_F(PlanTest, LongListsAreToldByTheirLengthAndADigest) {
  for (int i = 0; i < 20; ++i)
    from_.rules[0].deny.push_back(Cidr::Parse("10.0.0." + std::to_string(i)).value());
  to_.rules[0].deny = from_.rules[0].deny;
  to_.rules[0].deny.back() = Cidr::Parse("10.0.1.0/24").value();
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].field(), "deny");
  EXPECT_EQ(plan.changes[0].old_value().substr(0, 13), "20 networks, ");
  EXPECT_EQ(plan.changes[0].new_value().substr(0, 13), "20 networks, ");
  EXPECT_NE(plan.changes[0].new_value(), plan.changes[0].old_value());
}

// Every difference between two configurations must show: a field that the plan forgets would be
// applied unseen.
TEST_F(PlanTest, NoDifferenceIsLeftOut) {
  const auto differs = [&](auto change) {
    to_ = from_;
    change(to_.rules[0]);
    EXPECT_NE(from_, to_);
    EXPECT_EQ(Make().changes_total, 1u);
  };
  differs([](RuleConfig& r) { r.listen = Endpoint::Parse("0.0.0.0:99").value(); });
  differs([](RuleConfig& r) { r.backend_connection_limit = 5; });
  differs([](RuleConfig& r) { r.max_connections = 5; });
  differs([](RuleConfig& r) { r.max_connections_per_client = 5; });
  differs([](RuleConfig& r) { r.source = {Endpoint::Parse("10.0.0.9:1").value()}; });
  differs([](RuleConfig& r) { r.timeouts.connect = std::chrono::seconds(1); });
  differs([](RuleConfig& r) { r.timeouts.half_close = std::chrono::seconds(1); });
  differs([](RuleConfig& r) { r.timeouts.handshake = std::chrono::seconds(1); });
  differs([](RuleConfig& r) { r.allow = {Cidr::Parse("10.0.0.0/8").value()}; });
  differs([](RuleConfig& r) { r.deny = {Cidr::Parse("10.0.0.0/8").value()}; });
  differs([](RuleConfig& r) { r.proxy_protocol.accept = true; });
  differs([](RuleConfig& r) { r.proxy_protocol.send = ProxyVersion::kV1; });
  differs([](RuleConfig& r) { r.connect_attempts = 1; });
  differs([](RuleConfig& r) { r.outlier_detection.emplace(); });
  from_.rules[0].outlier_detection.emplace();
  differs([](RuleConfig& r) { r.outlier_detection->max_connect_time = std::chrono::seconds(1); });
  differs([](RuleConfig& r) { r.own_rate_limit = true; });
  differs([](RuleConfig& r) { r.drain_timeout = std::chrono::seconds(1); });
  differs([](RuleConfig& r) { r.health_check.enabled = true; });
  differs([](RuleConfig& r) { r.health_check.protocol = HealthCheckConfig::Protocol::kHttp; });
  differs([](RuleConfig& r) { r.health_check.path = "/x"; });
  differs([](RuleConfig& r) { r.health_check.interval = std::chrono::seconds(9); });
  differs([](RuleConfig& r) { r.health_check.timeout = std::chrono::seconds(9); });
  differs([](RuleConfig& r) { r.health_check.rise = 9; });
  differs([](RuleConfig& r) { r.health_check.fall = 9; });
  differs([](RuleConfig& r) { r.health_check.expect_status = 204; });
  differs([](RuleConfig& r) { r.health_check.port = 9; });
  differs([](RuleConfig& r) { r.health_check.protocol = HealthCheckConfig::Protocol::kGrpc; });
  differs([](RuleConfig& r) { r.health_check.grpc_service = "x"; });
  differs([](RuleConfig& r) { r.health_check.tls.emplace(); });
  differs([](RuleConfig& r) { r.backends[0].backup = true; });
  differs([](RuleConfig& r) { r.backends[0].sni_route = 1; });
  differs([](RuleConfig& r) { r.backends[0].weight = 2; });
  differs([](RuleConfig& r) { r.backends[0].max_connections = 2; });
  differs([](RuleConfig& r) { r.backends[0].address = r.backends[1].address; });
}

TEST_F(PlanTest, NoDifferenceOfTlsIsLeftOut) {
  const auto differs = [&](auto change) {
    to_ = from_;
    change(to_.rules[0]);
    EXPECT_NE(from_, to_);
    EXPECT_EQ(Make().changes_total, 1u);
  };
  differs([](RuleConfig& r) { r.tls.emplace(); });
  differs([](RuleConfig& r) { r.backend_tls.emplace(); });
  differs([](RuleConfig& r) { r.sni_routes = {{{"a.example"}}}; });
  from_.rules[0].tls = TlsConfig{.certificates = {{"c", "k", ""}},
                                 .client_auth = TlsConfig::ClientAuth::kRequest,
                                 .client_ca = "ca"};
  from_.rules[0].backend_tls.emplace();
  from_.rules[0].health_check.tls.emplace();
  differs([](RuleConfig& r) { r.tls->certificates[0].cert = "x"; });
  differs([](RuleConfig& r) { r.tls->certificates[0].key = "x"; });
  differs([](RuleConfig& r) { r.tls->certificates[0].ocsp = "x"; });
  differs([](RuleConfig& r) { r.tls->strict_sni = true; });
  differs([](RuleConfig& r) { r.tls->min_version = TlsVersion::k13; });
  differs([](RuleConfig& r) { r.tls->alpn = {"h2"}; });
  differs([](RuleConfig& r) { r.tls->client_auth = TlsConfig::ClientAuth::kRequire; });
  differs([](RuleConfig& r) { r.tls->client_ca = "x"; });
  differs([](RuleConfig& r) { r.tls->client_crl = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->ignore_verify = true; });
  differs([](RuleConfig& r) { r.backend_tls->ca = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->crl = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->server_name = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->pass_sni = true; });
  differs([](RuleConfig& r) { r.backend_tls->cert = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->key = "x"; });
  differs([](RuleConfig& r) { r.backend_tls->min_version = TlsVersion::k13; });
  differs([](RuleConfig& r) { r.backend_tls->alpn = {"h2"}; });
  differs([](RuleConfig& r) { r.health_check.tls->server_name = "x"; });
  differs([](RuleConfig& r) { r.rate_limit = RateLimitConfig{.client_cert = true}; });
}

TEST_F(PlanTest, ManyCertificatesAreToldByTheirNumberAndADigest) {
  from_.rules[0].tls.emplace();
  for (int i = 0; i < 100; ++i)
    from_.rules[0].tls->certificates.push_back({"/etc/lb/" + std::to_string(i), "/etc/lb/key", ""});
  to_ = from_;
  to_.rules[0].tls->certificates[50].cert = "/etc/lb/other";
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].field(), "tls.certificates");
  EXPECT_EQ(plan.changes[0].new_value().substr(0, 18), "100 certificates, ");
  EXPECT_NE(plan.changes[0].new_value(), plan.changes[0].old_value());
}

TEST_F(PlanTest, ALimitOfTheTopLevelIsComparedWithWhatItsChangeDoes) {
  from_.rate_limit =
      RateLimitConfig{.requests_per_second = 100, .enforce = RateLimitConfig::Enforce::kShadow};
  from_.rules[1].own_rate_limit = true;
  to_ = from_;
  to_.rate_limit->requests_per_second = 1;
  to_.rate_limit->enforce = RateLimitConfig::Enforce::kOn;
  const Plan plan = Make();
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].resource(), "rate_limit");
  EXPECT_EQ(plan.changes[0].field(), "limit");
  EXPECT_EQ(plan.changes[0].old_value(),
            "100/s, burst 100, per /32 and /64, 1000000 clients, shadow");
  EXPECT_EQ(plan.changes[0].new_value(), "1/s, burst 1, per /32 and /64, 1000000 clients");
  EXPECT_EQ(plan.changes[0].effect(), "at once; every client keeps the tokens in its bucket");
  EXPECT_EQ(plan.changes[0].connections_staying(), 7u);
}

TEST_F(PlanTest, BucketsThatAreMadeAnewAreSaidToBe) {
  const auto effect = [&] { return Make().changes.at(0).effect(); };
  from_.rules[0].rate_limit.emplace();
  from_.rules[0].own_rate_limit = true;
  to_ = from_;
  to_.rules[0].rate_limit->ipv4_prefix = 24;
  EXPECT_EQ(effect(), "at once; the buckets are made anew, and every one begins full");
  to_ = from_;
  to_.rules[0].rate_limit->max_clients = 5'000;
  EXPECT_EQ(effect(), "at once; the buckets are made anew, and every one begins full");
  to_ = from_;
  to_.rules[0].rate_limit.reset();
  EXPECT_EQ(effect(), "at once; its buckets refuse nobody any more");
  to_ = from_;
  from_.rules[0].own_rate_limit = false;
  from_.rules[0].rate_limit.reset();
  EXPECT_EQ(effect(), "at once; it has buckets of its own, which begin full");
}

TEST_F(PlanTest, NoDifferenceOfTheClusterIsLeftOutAndNoKeyIsShown) {
  const auto differs = [&](auto change) {
    to_ = from_;
    change(*to_.cluster);
    EXPECT_NE(from_, to_);
    const Plan plan = Make();
    EXPECT_EQ(plan.changes_total, 1u);
    return plan.changes.at(0);
  };
  const Endpoint other = Endpoint::Parse("10.0.0.9:7946").value();
  from_.cluster = ClusterConfig{.bind_addr = Endpoint::Parse("0.0.0.0:7946").value(),
                                .keys = {"CANARY-CANARY-16"}};
  differs([&](ClusterConfig& c) { c.bind_addr = other; });
  differs([&](ClusterConfig& c) { c.advertise_addr = other; });
  differs([&](ClusterConfig& c) { c.peers = {other}; });
  differs([&](ClusterConfig& c) { c.label = "x"; });
  differs([&](ClusterConfig& c) { c.serf_delegate = false; });
  const Change name = differs([](ClusterConfig& c) { c.name = "x"; });
  EXPECT_EQ(name.resource(), "cluster");
  EXPECT_EQ(name.effect(),
            "the member leaves the cluster and joins it anew; no connection is touched");
  const Change keys = differs([](ClusterConfig& c) { c.keys = {"CANARY-CANARY-17"}; });
  EXPECT_EQ(keys.old_value(), "1 key");
  EXPECT_EQ(keys.new_value(), "1 key, not the same");
}

TEST_F(PlanTest, JoiningAndLeavingAClusterIsOneChange) {
  to_.cluster = ClusterConfig{.bind_addr = Endpoint::Parse("0.0.0.0:7946").value()};
  const Plan join = Make();
  ASSERT_EQ(join.changes.size(), 1u);
  EXPECT_EQ(join.changes[0].action(), Change::ACTION_CREATE);
  EXPECT_EQ(join.changes[0].resource(), "cluster");
  EXPECT_EQ(join.changes[0].new_value(), "0.0.0.0:7946");
  std::swap(from_, to_);
  EXPECT_EQ(Make().changes.at(0).action(), Change::ACTION_DELETE);
}

// A key of the top level that the plan does not know would be applied unseen. `to` says for each
// what differs from kOld.
TEST(PlanKeysTest, EveryKeyOfTheTopLevelIsCompared) {
  constexpr char kRules[] = "rules: [{name: web, listen: '0.0.0.0:80', backends: ['10.0.0.1:80']";
  constexpr char kOld[] =
      "}]\nrate_limit: {requests_per_second: 100}\n"
      "bandwidth_limit: {client: {upload_per_sec: 1MB/s}}\n"
      "health_check: {rise: 2}\ndns: {timeout: 1s}\naccess_log: stdout\n"
      "tls: {cert: /c.pem, key: /k.pem, alpn: [h2]}\nbackend_tls: {server_name: a}\n"
      "cluster: {name: a}\nkubernetes: {api_server: 'https://a.test'}\n";
  const std::map<std::string, std::pair<std::string, std::string>> changed = {
      {"rules", {"}]\n", ", connect_attempts: 1}]\n"}},
      {"rate_limit", {"100}", "1}"}},
      {"bandwidth_limit", {"1MB/s", "2MB/s"}},
      {"health_check", {"rise: 2", "rise: 3"}},
      {"dns", {"1s", "2s"}},
      {"access_log", {"stdout", "off"}},
      {"tls", {"alpn: [h2]", "alpn: [http/1.1]"}},
      {"backend_tls", {"server_name: a", "server_name: b"}},
      {"cluster", {"{name: a}", "{name: b}"}},
      {"kubernetes", {"a.test", "b.test"}},
  };
  const std::string old = absl::StrCat(kRules, kOld);
  TestSources sources;
  sources.AddTlsFiles();
  const LoadResult from = Load(old, sources.Get());
  ASSERT_TRUE(from.config) << from.findings.at(0).message;
  for (const KeySpec& key : KeyRows()) {
    if (key.path.find('.') != std::string_view::npos || key.path.ends_with("[]") ||
        key.built == Built::kNotYet)
      continue;
    const auto change = changed.find(std::string(key.path));
    ASSERT_NE(change, changed.end()) << "say how " << key.path << " may differ";
    const LoadResult to = Load(absl::StrReplaceAll(old, {change->second}), sources.Get());
    ASSERT_TRUE(to.config) << to.findings.at(0).message;
    EXPECT_GT(MakePlan(*from.config, *to.config, Totals()).changes_total, 0u) << key.path;
  }
}

}  // namespace
}  // namespace lb::controlplane
