// What a connection would meet of TLS: routes, certificates, client certificates, backends; and
// what is shown of a rule's.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/status_answer.h"

namespace lb::controlplane {
namespace {

using admin::v1::ExplainConnectionResponse;

class ExplainTlsTest : public AnswersTest {
 protected:
  ExplainTlsTest() { AddRule("web", {"a", "b"}); }

  LiveRule& rule() { return live_[0]; }

  // Gives the rule a certificate with these names.
  void AddCertificate(const std::string& file, const std::vector<std::string>& names,
                      const std::string& key_type = "ECDSA P-256") {
    const CertificateFiles files{file, "/key", ""};
    if (!rule().tls) rule().tls.emplace();
    rule().tls->certificates.push_back(files);
    CertificatePair& pair = material_.pairs[files];
    pair.id = file;
    pair.facts.dns_names = names;
    pair.facts.key_type = key_type;
    pair.facts.not_after_s = 1'000'000'000;
    Config config;
    config.rules.emplace_back().name = "web";
    config.rules[0].tls = rule().tls;
    certificates_.Take(config, material_, kWall);
  }

  ExplainConnectionResponse Explain(const std::string& name) {
    return DescribeConnection(rule(), Endpoint::FromIp("10.0.0.9", 0).value(), std::nullopt, name,
                              view(), {});
  }

  // "PASSED: why" of a check; empty: there is none.
  static std::string Check(const ExplainConnectionResponse& explained, const std::string& name) {
    for (const auto& check : explained.checks())
      if (check.name() == name)
        return ExplainConnectionResponse::Verdict_Name(check.verdict()).substr(8) + ": " +
               check.why();
    return "";
  }

  TlsMaterial material_;
};

TEST_F(ExplainTlsTest, TheCertificateIsTheExactOneThenThatOfAWildcardThenTheDefault) {
  AddCertificate("/default", {"example.com"});
  AddCertificate("/wild", {"*.example.com"});
  AddCertificate("/exact", {"api.example.com"}, "RSA 2048");
  EXPECT_EQ(Check(Explain("api.example.com"), "tls"),
            "PASSED: TLS 1.2 and newer, /exact (RSA 2048) has api.example.com");
  EXPECT_EQ(Check(Explain("www.example.com"), "tls"),
            "PASSED: TLS 1.2 and newer, /wild (ECDSA P-256) has *.example.com");
  EXPECT_EQ(Check(Explain("a.b.example.com"), "tls"),
            "DEPENDS: TLS 1.2 and newer, /default (ECDSA P-256), the default: none has "
            "a.b.example.com, and a client that verifies will not take it");
  EXPECT_EQ(Check(Explain(""), "tls"),
            "PASSED: TLS 1.2 and newer, /default (ECDSA P-256), the default: no name is asked for "
            "(--sni gives one)");
  rule().tls->strict_sni = true;
  EXPECT_EQ(Check(Explain("other.org"), "tls"),
            "REFUSED: no certificate has other.org, and strict_sni refuses it");
  EXPECT_EQ(
      Check(Explain(""), "tls"),
      "DEPENDS: strict_sni refuses who asks for no name that a certificate has (--sni gives one)");
}

TEST_F(ExplainTlsTest, OfTwoKeysForANameTheEcdsaOneIsShownWhereverItStands) {
  AddCertificate("/rsa", {"example.com"}, "RSA 2048");
  AddCertificate("/ec", {"example.com"});
  EXPECT_EQ(Check(Explain("example.com"), "tls"),
            "PASSED: TLS 1.2 and newer, /ec (ECDSA P-256) has example.com; another one has it with "
            "another key, for clients that need that");
  EXPECT_EQ(Check(Explain(""), "tls"),
            "PASSED: TLS 1.2 and newer, /ec (ECDSA P-256), the default: no name is asked for "
            "(--sni gives one); another one has it with another key, for clients that need that");
}

TEST_F(ExplainTlsTest, WhatIsAskedOfClientsIsSaid) {
  AddCertificate("/a", {"a.org"});
  rule().tls->client_auth = TlsConfig::ClientAuth::kRequire;
  rule().tls->client_ca = "/ca";
  rule().rate_limit = RateLimitConfig{.requests_per_second = 5, .client_cert = true};
  const ExplainConnectionResponse explained = Explain("a.org");
  EXPECT_EQ(Check(explained, "client_auth"),
            "DEPENDS: its certificate is needed; it must come from /ca");
  rule().tls->client_crl = "/crl";
  RevocationList& old = material_.revocations["/crl"];
  old.id = "1";
  old.next_update_s = 1;
  Config config;
  config.rules.emplace_back().name = "web";
  config.rules[0].tls = rule().tls;
  certificates_.Take(config, material_, kWall);
  EXPECT_EQ(Check(Explain("a.org"), "client_auth"),
            "REFUSED: /crl is past its next update: every certificate of its issuer is refused");
  EXPECT_EQ(Check(explained, "rate_limit.key.client_cert"),
            "DEPENDS: the identity in its certificate has 5/s, burst 5 over all its addresses; see "
            "lbctl get clients");
}

TEST_F(ExplainTlsTest, ARouteHasItsOwnBackendsAndNoOthers) {
  rule().sni_routes = {SniRouteConfig{.names = {"api.example.com"}},
                       SniRouteConfig{.names = {"*.example.com"}}};
  rule().backends[0].sni_route = 1;
  rule().backends[1].sni_route = 2;
  const ExplainConnectionResponse api = Explain("api.example.com");
  EXPECT_EQ(Check(api, "sni"), "PASSED: route 1 has api.example.com");
  ASSERT_EQ(api.candidates_size(), 1);
  EXPECT_EQ(api.candidates(0).backend(), "rules/web/backends/a");
  const ExplainConnectionResponse www = Explain("www.example.com");
  EXPECT_EQ(Check(www, "sni"), "PASSED: route 2 has www.example.com by *.example.com");
  EXPECT_EQ(www.candidates(0).backend(), "rules/web/backends/b");
  EXPECT_EQ(
      Check(Explain(""), "sni"),
      "REFUSED: a client that asks for no name (--sni gives one) takes no route, and the rule "
      "has no backends of its own");
  rule().backends[1].sni_route = 0;
  EXPECT_EQ(Check(Explain("other.org"), "sni"),
            "PASSED: no route has other.org: the rule's own backends are for it");
}

TEST_F(ExplainTlsTest, ARouteWithoutABackendThatTakesConnectionsIsAnAlert) {
  rule().sni_routes = {SniRouteConfig{.names = {"api.example.com"}},
                       SniRouteConfig{.names = {"*.example.com"}}};
  rule().backends[0].sni_route = 1;
  rule().backends[1].sni_route = 2;
  rule().backends[1].weight = 0;
  const admin::v1::Status status = DescribeStatus(view());
  std::string found;
  for (const admin::v1::Alert& alert : status.alerts())
    if (alert.resource() == "rules/web") found += alert.message();
  EXPECT_EQ(found, "no backend of route 2 (*.example.com) takes connections: they are refused");
}

TEST_F(ExplainTlsTest, HowBackendsAreSpokenToIsSaid) {
  EXPECT_EQ(Check(Explain(""), "backend_tls"), "");
  rule().backend_tls = BackendTlsConfig{.pass_sni = true, .cert = "/me.pem"};
  rule().backends[0].server_name = "db.internal";
  EXPECT_EQ(Check(Explain(""), "backend_tls"),
            "PASSED: TLS 1.2 and newer, asked for db.internal; verified against "
            "/etc/ssl/certs/ca-certificates.crt; /me.pem is shown");
  EXPECT_EQ(Check(Explain("www.org"), "backend_tls"),
            "PASSED: TLS 1.2 and newer, asked for www.org; verified against "
            "/etc/ssl/certs/ca-certificates.crt; /me.pem is shown");
  rule().backend_tls = BackendTlsConfig{.ignore_verify = true};
  EXPECT_EQ(Check(Explain(""), "backend_tls"),
            "PASSED: TLS 1.2 and newer, asked for db.internal; any certificate will do "
            "(ignore_verify)");
}

TEST_F(ExplainTlsTest, ARuleShowsItsTlsAndItsHandshakes) {
  AddCertificate("/a", {});
  AddCertificate("/b", {});
  rule().tls->client_auth = TlsConfig::ClientAuth::kRequest;
  rule().backend_tls = BackendTlsConfig{};
  worker::v1::StatsReport report;
  worker::v1::StatsReport::Rule& stats = *report.add_rules();
  stats.set_rule("web");
  stats.set_handshakes_total(10);
  stats.set_resumed_handshakes_total(4);
  (*stats.mutable_handshake_failures_total())["timeout"] = 2;
  (*stats.mutable_sni_total())["api.example.com"] = 3;
  totals_.Report({"w1", "i"}, report);
  totals_.Report({"w2", "i"}, report);
  admin::v1::GetRuleRequest request;
  request.set_name("rules/web");
  const auto shown = std::get<admin::v1::Rule>(GetRule(view(), request));
  EXPECT_EQ(shown.tls(), "1.2+, 2 certificates, client certificates requested");
  EXPECT_EQ(shown.backend_tls(), "verified");
  EXPECT_EQ(shown.handshakes_total(), 20u);
  EXPECT_EQ(shown.resumed_handshakes_total(), 8u);
  EXPECT_EQ(shown.handshake_failures_total().at("timeout"), 4u);
  EXPECT_EQ(shown.sni_total().at("api.example.com"), 6u);
}

TEST_F(ExplainTlsTest, TheLimitOfClientCertificatesIsARowOfItsOwn) {
  rule().tls.emplace().client_auth = TlsConfig::ClientAuth::kRequire;
  rule().own_rate_limit = true;
  rule().rate_limit = RateLimitConfig{.requests_per_second = 5, .client_cert = true};
  worker::v1::StatsReport report;
  report.add_rules()->set_rule("web");
  (*report.mutable_rules(0)->mutable_refused_total())["client_cert_rate"] = 3;
  (*report.mutable_rules(0)->mutable_refused_total())["rate_limit"] = 1;
  totals_.Report({"w1", "i"}, report);
  worker::v1::ClientReport seen;
  worker::v1::ClientReport::Limit& limit = *seen.add_limits();
  limit.set_rule("web/client_cert");
  limit.set_busy_clients(2);
  limit.add_clients()->set_client("CN=alice");
  const ClientReports reports{{{"w1", "i"}, seen}};
  const auto limits = DescribeLimits(view(), "", reports);
  ASSERT_GE(limits.limits_size(), 2);
  EXPECT_EQ(limits.limits(0).kind(), admin::v1::Limit::KIND_RATE);
  EXPECT_EQ(limits.limits(0).refused_total(), 1u);
  EXPECT_EQ(limits.limits(0).busy_clients(), 0u);
  EXPECT_EQ(limits.limits(1).kind(), admin::v1::Limit::KIND_CLIENT_CERT_RATE);
  EXPECT_EQ(limits.limits(1).rule(), "rules/web");
  EXPECT_EQ(limits.limits(1).refused_total(), 3u);
  EXPECT_EQ(limits.limits(1).busy_clients(), 2u);
  const auto clients =
      DescribeClients(view(), 9, admin::v1::ListClientsRequest::ORDER_CONNECTS, reports);
  ASSERT_EQ(clients.clients_size(), 1);
  EXPECT_EQ(clients.clients(0).client(), "CN=alice");
  EXPECT_EQ(clients.clients(0).rule(), "rules/web");
}

}  // namespace
}  // namespace lb::controlplane
