// Routes by the name of the ClientHello: what they mean, and what is refused.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

// A rule with the keys `rest`, and `top` at the top level.
LoadResult LoadWith(const std::string& rest, const std::string& top = "") {
  TestSources sources;
  sources.AddTlsFiles();
  return Load(absl::StrCat("rules:\n- name: a\n  listen: 127.0.0.1:1\n", rest, top), sources.Get());
}

// "CODE field: message", line by line.
std::string Findings(const std::string& rest, const std::string& top = "") {
  std::string text;
  for (const Finding& finding : LoadWith(rest, top).findings)
    absl::StrAppend(&text, finding.code, " ", finding.field, ": ", finding.message, "\n");
  return text;
}

std::string Route(const std::string& names) {
  return absl::StrCat("  sni: [{names: ", names, ", backends: ['10.0.0.1:1']}]\n");
}

TEST(SniKeysTest, BackendsOfRoutesFollowThoseOfTheRule) {
  const LoadResult result = LoadWith(
      "  backends: ['10.0.0.9:443']\n"
      "  sni:\n"
      "  - {names: [WWW.example.com, '*.example.com'], backends: ['10.0.0.1:443', "
      "'10.0.0.2:443']}\n"
      "  - {names: [api.example.net], backends: [{address: '10.0.0.1:443', name: api}]}\n");
  ASSERT_EQ(result.findings_total, 0u) << result.findings[0].message;
  const RuleConfig& rule = result.config->rules.at(0);
  ASSERT_EQ(rule.sni_routes.size(), 2u);
  EXPECT_EQ(rule.sni_routes[0].names,
            (std::vector<std::string>{"www.example.com", "*.example.com"}));
  ASSERT_EQ(rule.backends.size(), 4u);
  EXPECT_EQ(rule.backends[0].sni_route, 0u);
  EXPECT_EQ(rule.backends[2].name, "10.0.0.2:443");
  EXPECT_EQ(rule.backends[2].sni_route, 1u);
  EXPECT_EQ(rule.backends[3].name, "api");
  EXPECT_EQ(rule.backends[3].sni_route, 2u);
}

TEST(SniKeysTest, ARuleNeedsBackendsOrRoutes) {
  EXPECT_EQ(Findings(Route("[a.example]")), "");
  EXPECT_EQ(Findings("  backends: []\n" + Route("[a.example]")), "");
  EXPECT_EQ(Findings(""), "LB0107 rules[0].backends: key 'backends' is missing\n");
  EXPECT_EQ(Findings("  sni: []\n"), "LB0107 rules[0].backends: key 'backends' is missing\n");
  EXPECT_EQ(Findings("  sni: [{names: [a.example], backends: []}]\n"),
            "LB0209 rules[0].sni[0].backends: no backend: every connection is closed at once\n");
  EXPECT_EQ(Findings("  sni: [{backends: ['h:1']}]\n"),
            "LB0107 rules[0].sni[0].names: key 'names' is missing\n");
  EXPECT_EQ(Findings(Route("[]")), "LB0106 rules[0].sni[0].names: 'names' is empty\n");
}

TEST(SniKeysTest, ANameBelongsToOneRouteAndABackendsNameToOneBackend) {
  EXPECT_EQ(Findings("  sni:\n"
                     "  - {names: [a.example, b.example], backends: ['h:1']}\n"
                     "  - {names: [B.Example], backends: ['h:2']}\n"),
            "LB0114 rules[0].sni[1].names[0]: 'b.example' is also rules[0].sni[0].names[1]\n");
  EXPECT_EQ(Findings("  backends: ['h:1']\n  sni: [{names: [a.example], backends: ['h:1']}]\n"),
            "LB0114 rules[0].sni[0].backends[0]: 'h:1' is also the name of rules[0].backends[0]\n");
}

TEST(SniKeysTest, ANameIsOneThatClientsAskFor) {
  const auto said = [](const std::string& name) {
    const LoadResult result = LoadWith(Route(absl::StrCat("['", name, "']")));
    if (result.findings.size() != 1 || result.findings[0].code != "LB0108") return std::string();
    return absl::StrCat(result.findings[0].message, "; ", result.findings[0].hint);
  };
  for (const char* good : {"a", "a.example", "*.a.example", "*.internal", "x-1_2.example"})
    EXPECT_EQ(Findings(Route(absl::StrCat("['", good, "']"))), "") << good;
  EXPECT_EQ(said("*"),
            "'*' is no name; backends of all other clients are those of the rule itself");
  EXPECT_EQ(said("*."), "'*.' is no name; write *.example.com");
  EXPECT_EQ(said("www.*.example"),
            "'www.*.example' has a '*' that is not its whole first label; write *.example.com");
  EXPECT_EQ(said("w*.example"),
            "'w*.example' has a '*' that is not its whole first label; write *.example.com");
  EXPECT_EQ(said(".example.com"), "'.example.com' begins with a dot; write *.example.com");
  EXPECT_EQ(said("a.example."), "'a.example.' has a dot at its end; write a.example");
  EXPECT_EQ(said("a.example:443"), "'a.example:443' has a port; write a.example");
  EXPECT_NE(said("10.0.0.1").find("IP address"), std::string::npos);
  EXPECT_NE(said("a..example").find("is not a host name"), std::string::npos);
}

TEST(SniKeysTest, TlsThatIsEndedIsNotRouted) {
  const std::string tls = "tls: {cert: /c.pem, key: /k.pem}\n";
  const std::string route = Route("[a.example]");
  EXPECT_EQ(Findings(absl::StrCat(route, "  ", tls)),
            "LB0116 rules[0].tls: a rule either ends TLS or routes by sni\n");
  EXPECT_EQ(Findings(route, tls), "LB0116 rules[0].sni: a rule either ends TLS or routes by sni\n");
  EXPECT_EQ(Findings(route + "  tls: {enabled: false}\n", tls), "");
}

TEST(SniKeysTest, TlsInsideOfTlsIsADoubt) {
  EXPECT_EQ(Findings(Route("[a.example]") + "  backend_tls: {}\n"),
            "LB0239 rules[0].backend_tls: the TLS of clients goes to backends inside of another "
            "one\n");
  EXPECT_EQ(Findings(Route("[a.example]"), "backend_tls: {}\n"),
            "LB0239 rules[0].sni: the TLS of clients goes to backends inside of another one\n");
}

TEST(SniKeysTest, AHandshakeTimeoutBoundsTheClientHello) {
  EXPECT_EQ(Findings(Route("[a.example]") + "  timeouts: {handshake: 3s}\n"), "");
}

}  // namespace
}  // namespace lb::controlplane
