// The keys of `backend_tls` and of checks over TLS: what they mean for each rule, and what does not
// fit together.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr char kPair[] = "cert: /c.pem, key: /k.pem";

// A rule with `rest` in it, and `top` at the top level.
LoadResult LoadWith(const std::string& rest, const std::string& top) {
  TestSources sources;
  sources.AddTlsFiles();
  return Load(absl::StrCat("rules:\n- name: a\n  listen: 127.0.0.1:1\n", rest, top), sources.Get());
}

std::string Backends(const std::string& rest) {
  return absl::StrCat("  backends: ['127.0.0.1:2']\n", rest);
}

RuleConfig Rule(const std::string& rest, const std::string& top = "") {
  const LoadResult result = LoadWith(Backends(rest), top);
  EXPECT_EQ(result.findings_total, 0u) << rest << top << result.findings.at(0).message;
  return result.config.value_or(Config{{RuleConfig()}, {}}).rules.at(0);
}

std::string FindingsOf(const LoadResult& result) {
  std::string text;
  for (const Finding& finding : result.findings)
    absl::StrAppend(&text, finding.code, " ", finding.field, ": ", finding.message, "\n");
  return text;
}

std::string Findings(const std::string& rest, const std::string& top = "") {
  return FindingsOf(LoadWith(Backends(rest), top));
}

TEST(BackendTlsKeysTest, BackendsAreVerifiedUnlessSaidOtherwise) {
  EXPECT_FALSE(Rule("").backend_tls.has_value());
  EXPECT_EQ(Rule("  backend_tls: {}\n").backend_tls, BackendTlsConfig());
  EXPECT_EQ(Rule("", "backend_tls: {enabled: true, ignore_verify: false}\n").backend_tls,
            BackendTlsConfig());
  const BackendTlsConfig all =
      Rule("  backend_tls: {server_name: DB.Internal, cert: /c.pem, key: /k.pem}\n",
           "backend_tls: {ca: /ca.pem, crl: /crl.pem, min_version: 1.3, alpn: [h2]}\n")
          .backend_tls.value();
  EXPECT_EQ(all, (BackendTlsConfig{.ca = "/ca.pem",
                                   .crl = "/crl.pem",
                                   .server_name = "db.internal",
                                   .cert = "/c.pem",
                                   .key = "/k.pem",
                                   .min_version = TlsVersion::k13,
                                   .alpn = {"h2"}}));
  EXPECT_FALSE(Rule("  backend_tls: {enabled: false}\n", "backend_tls: {}\n").backend_tls);
  EXPECT_EQ(Findings("  backend_tls: {ignore_verify: true, ca: /ca.pem}\n"),
            "LB0207 rules[0].backend_tls.ignore_verify: backends are not verified: anyone on the "
            "way can read and change what is sent\n"
            "LB0235 rules[0].backend_tls.ca: with ignore_verify it verifies nothing\n");
  EXPECT_EQ(Findings("  backend_tls: {cert: /c.pem}\n"),
            "LB0107 rules[0].backend_tls.key: cert needs its key\n");
}

TEST(BackendTlsKeysTest, ANameToVerifyIsAHostNameOrAnAddress) {
  const auto hint = [](const std::string& name) {
    const LoadResult result =
        LoadWith(Backends(absl::StrCat("  backend_tls: {server_name: '", name, "'}\n")), "");
    EXPECT_EQ(result.findings.size(), 1u) << name;
    if (result.findings.empty()) return std::string();
    EXPECT_EQ(result.findings[0].code, "LB0108") << name;
    return absl::StrCat(result.findings[0].message, "; ", result.findings[0].hint);
  };
  for (const char* good : {"db.internal", "localhost", "10.0.0.1", "fd00::1", "a_b.example"})
    EXPECT_TRUE(Rule(absl::StrCat("  backend_tls: {server_name: '", good, "'}\n")).backend_tls);
  EXPECT_EQ(hint("https://db.internal/"),
            "'https://db.internal/' is a URL; write the host name of it alone");
  EXPECT_EQ(hint("db.internal:443"), "'db.internal:443' has a port; write db.internal");
  EXPECT_EQ(hint("[fd00::1]:443"), "'[fd00::1]:443' has a port; write fd00::1");
  EXPECT_EQ(hint("*.internal"), "'*.internal' has a '*'; write one whole name");
  EXPECT_EQ(hint("db.internal."), "'db.internal.' has a dot at its end; write db.internal");
  EXPECT_EQ(hint("caf\xC3\xA9.example"),
            "'caf\xC3\xA9.example' has other letters than a to z; write it as IDNA does, xn--...");
  EXPECT_EQ(hint("a b"), "'a b' is not a host name; ");
  EXPECT_EQ(hint("10.0.0"), "'10.0.0' is not a host name; ");
}

TEST(BackendTlsKeysTest, ASocketOfThisHostHasNoNameToVerify) {
  const auto findings = [](const std::string& keys) {
    return FindingsOf(
        LoadWith(absl::StrCat("  backends: ['unix:/a', '10.0.0.1:1']\n  ", keys, "\n"), ""));
  };
  EXPECT_EQ(findings("backend_tls: {}"),
            "LB0107 rules[0].backends[0]: a unix socket has no name that its certificate could "
            "have\n");
  EXPECT_EQ(findings("backend_tls: {server_name: app.internal}"), "");
  // A client that asks for no name must not switch the check off.
  EXPECT_EQ(findings(absl::StrCat("tls: {", kPair, "}\n  backend_tls: {pass_sni: true}")),
            "LB0107 rules[0].backends[0]: a unix socket has no name that its certificate could "
            "have\n");
  EXPECT_EQ(findings("health_check: {protocol: tls}"),
            "LB0107 rules[0].backends[0]: a unix socket has no name that its certificate could "
            "have\n");
  EXPECT_EQ(findings("health_check: {protocol: tls, tls: {server_name: app.internal}}"), "");
  EXPECT_EQ(findings("health_check: {protocol: tls, tls: {ignore_verify: true}}"), "");
}

TEST(BackendTlsKeysTest, TheClientsNameIsPassedOnWhereItIsKnown) {
  const std::string tls = absl::StrCat("  tls: {", kPair, "}\n");
  EXPECT_TRUE(Rule(tls + "  backend_tls: {pass_sni: true}\n").backend_tls->pass_sni);
  EXPECT_EQ(Findings("  backend_tls: {pass_sni: true}\n"),
            "LB0116 rules[0].backend_tls.pass_sni: no client's name is known: its TLS is not "
            "looked at\n");
  EXPECT_EQ(Findings("", "backend_tls: {pass_sni: true}\n"),
            "LB0116 backend_tls.pass_sni: no client's name is known: its TLS is not looked at\n");
  EXPECT_EQ(Findings(tls, "backend_tls: {pass_sni: true}\n"), "");
  const std::string check = tls + "  health_check: {}\n";
  EXPECT_EQ(Findings(check + "  backend_tls: {pass_sni: true}\n"),
            "LB0236 rules[0].backend_tls.pass_sni: health checks have no client's name: they ask "
            "for the backends' addresses, which their certificates must have\n");
  EXPECT_EQ(Findings(check + "  backend_tls: {pass_sni: true, server_name: a.internal}\n"), "");
}

TEST(BackendTlsKeysTest, ClientsShouldNotChooseAProtocolThatBackendsAreNotAskedFor) {
  EXPECT_EQ(
      Findings(absl::StrCat("  tls: {", kPair, ", alpn: [h2, http/1.1]}\n",
                            "  backend_tls: {alpn: [http/1.1]}\n")),
      "LB0238 rules[0].tls.alpn: clients may choose 'h2', which backends are not asked for\n");
}

TEST(BackendTlsKeysTest, ChecksGoOverTlsAsTheirBackendsDo) {
  const auto check = [](const std::string& rest, const std::string& top = "") {
    return Rule(rest, top).health_check;
  };
  EXPECT_FALSE(check("  health_check: {}\n").tls.has_value());
  EXPECT_TRUE(check("  health_check: {}\n  backend_tls: {}\n").tls.has_value());
  EXPECT_TRUE(check("", "health_check: {}\nbackend_tls: {}\n").tls.has_value());
  EXPECT_FALSE(check("  health_check: {port: 9}\n  backend_tls: {}\n").tls.has_value());
  EXPECT_TRUE(check("  health_check: {port: 9, tls: {}}\n  backend_tls: {}\n").tls.has_value());
  EXPECT_FALSE(
      check("  health_check: {tls: {enabled: false}}\n  backend_tls: {}\n").tls.has_value());
  EXPECT_TRUE(check("  health_check: {tls: {}}\n").tls.has_value());
  EXPECT_EQ(check("  health_check: {tls: {server_name: A.internal}}\n").tls->server_name,
            "a.internal");
  EXPECT_EQ(check("  health_check: {tls: {enabled: true}}\n",
                  "health_check: {tls: {enabled: false, server_name: b.internal}}\n")
                .tls->server_name,
            "b.internal");
  EXPECT_EQ(check("  health_check: {tls: {ca: /ca.pem}}\n").tls->ca, "/ca.pem");
  EXPECT_FALSE(check("  health_check: {tls: {}}\n").tls->ca.has_value());
  EXPECT_TRUE(check("  health_check: {tls: {ignore_verify: true}}\n").tls->ignore_verify);
  const HealthCheckConfig tls = check("  health_check: {protocol: tls}\n");
  EXPECT_EQ(tls.protocol, HealthCheckConfig::Protocol::kTls);
  EXPECT_TRUE(tls.tls.has_value());
  const HealthCheckConfig grpc =
      check("  health_check: {protocol: grpc, grpc: {service: shop.Cart}}\n");
  EXPECT_EQ(grpc.protocol, HealthCheckConfig::Protocol::kGrpc);
  EXPECT_EQ(grpc.grpc_service, "shop.Cart");
  EXPECT_EQ(Findings("  health_check: {protocol: tls, tls: {enabled: false}}\n"),
            "LB0116 rules[0].health_check.protocol: a probe with protocol: tls is never plain\n");
}

}  // namespace
}  // namespace lb::controlplane
