// The keys of `tls`: what they mean for each rule, and what does not fit together.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using ClientAuth = TlsConfig::ClientAuth;

constexpr char kPair[] = "cert: /c.pem, key: /k.pem";

LoadResult LoadText(const std::string& text) {
  TestSources sources;
  sources.AddTlsFiles();
  return Load(text, sources.Get());
}

// A rule with `rest` in it, and `top` at the top level.
LoadResult LoadWith(const std::string& rest, const std::string& top) {
  return LoadText(absl::StrCat("rules:\n- name: a\n  listen: 127.0.0.1:1\n", rest, top));
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

TEST(TlsKeysTest, ARuleEndsTlsAsItsOwnAndTheTopLevelsKeysSay) {
  EXPECT_FALSE(Rule("").tls.has_value());
  const std::string top = absl::StrCat("tls: {", kPair,
                                       ", ocsp: /o.der, min_version: 1.3, alpn: [h2, http/1.1],"
                                       " strict_sni: true}\n");
  const TlsConfig inherited = Rule("", top).tls.value();
  const std::vector<CertificateFiles> pair = {{"/c.pem", "/k.pem", "/o.der"}};
  EXPECT_EQ(inherited.certificates, pair);
  EXPECT_EQ(inherited.min_version, TlsVersion::k13);
  EXPECT_EQ(inherited.alpn, (std::vector<std::string>{"h2", "http/1.1"}));
  EXPECT_TRUE(inherited.strict_sni);
  EXPECT_EQ(inherited.client_auth, ClientAuth::kNone);
  const TlsConfig own =
      Rule("  tls: {min_version: '1.2', alpn: [], certificates: [{cert: /c2.pem, key: /k2.pem}]}\n",
           top)
          .tls.value();
  EXPECT_EQ(own.min_version, TlsVersion::k12);
  EXPECT_TRUE(own.alpn.empty());
  EXPECT_EQ(own.certificates.size(), 2u);
  EXPECT_EQ(own.certificates.at(0), pair[0]);
  EXPECT_EQ(own.certificates.at(1), (CertificateFiles{"/c2.pem", "/k2.pem", ""}));
  EXPECT_FALSE(Rule("  tls: {enabled: false}\n", top).tls.has_value());
  EXPECT_TRUE(Rule("  tls: {enabled: true}\n", absl::StrCat("tls: {enabled: false, ", kPair, "}\n"))
                  .tls.has_value());
}

TEST(TlsKeysTest, AnOcspResponseBelongsToItsCertificate) {
  const TlsConfig own = Rule("  tls: {cert: /c2.pem, key: /k2.pem}\n",
                             absl::StrCat("tls: {", kPair, ", ocsp: /o.der}\n"))
                            .tls.value();
  EXPECT_EQ(own.certificates.at(0), (CertificateFiles{"/c2.pem", "/k2.pem", ""}));
}

TEST(TlsKeysTest, AuthoritiesOfClientsMeanThatClientsMustShowACertificate) {
  const auto tls = [](const std::string& keys) {
    return Rule(absl::StrCat("  tls: {", kPair, keys, "}\n")).tls.value();
  };
  EXPECT_EQ(tls("").client_auth, ClientAuth::kNone);
  EXPECT_EQ(tls(", client_ca: /ca.pem").client_auth, ClientAuth::kRequire);
  const TlsConfig request = tls(", client_ca: /ca.pem, client_auth: request, client_crl: /crl.pem");
  EXPECT_EQ(request.client_auth, ClientAuth::kRequest);
  EXPECT_EQ(request.client_ca, "/ca.pem");
  EXPECT_EQ(request.client_crl, "/crl.pem");
  const TlsConfig none = tls(", client_ca: /ca.pem, client_auth: none");
  EXPECT_EQ(none.client_auth, ClientAuth::kNone);
  EXPECT_EQ(none.client_ca, "");
}

TEST(TlsKeysTest, WhatTlsNeedsIsAskedFor) {
  const auto own = [](const std::string& keys) {
    return Findings(absl::StrCat("  tls: {", keys, "}\n"));
  };
  EXPECT_EQ(own(""), "LB0107 rules[0].tls.cert: tls needs cert and key, or certificates\n");
  EXPECT_EQ(
      own("certificates: []"),
      "LB0107 rules[0].tls.certificates: there is no certificate in it, and no cert and key\n");
  EXPECT_EQ(own("cert: /c.pem"), "LB0107 rules[0].tls.key: cert needs its key\n");
  EXPECT_EQ(own("key: /k.pem"), "LB0107 rules[0].tls.cert: key needs its cert\n");
  EXPECT_EQ(own("certificates: [{cert: /c.pem}]"),
            "LB0107 rules[0].tls.certificates[0].key: key 'key' is missing\n");
  EXPECT_EQ(own("ocsp: /o.der, certificates: [{cert: /c.pem, key: /k.pem}]"),
            "LB0107 rules[0].tls.cert: ocsp is a response about cert\n");
  EXPECT_EQ(own(absl::StrCat(kPair, ", client_auth: require")),
            "LB0107 rules[0].tls.client_ca: without client_ca no certificate of a client can be "
            "verified\n");
  EXPECT_EQ(own(absl::StrCat(kPair, ", client_crl: /crl.pem")),
            "LB0107 rules[0].tls.client_ca: client_crl is about the certificates of client_ca\n");
  EXPECT_EQ(own("cert: /none.pem, key: /k.pem"),
            "LB0113 rules[0].tls.cert: cannot read '/none.pem': No such file or directory\n");
  EXPECT_EQ(own("enabled: false"), "");
}

TEST(TlsKeysTest, WhatTheTopLevelLacksIsSaidOnceAndOnlyWhereItMatters) {
  const std::string lacks = "tls: {min_version: 1.3}\n";
  EXPECT_EQ(Findings("", lacks), "LB0107 tls.cert: tls needs cert and key, or certificates\n");
  EXPECT_EQ(Findings(absl::StrCat("  tls: {", kPair, "}\n"), lacks), "");
  EXPECT_EQ(Findings("  tls: {enabled: false}\n", lacks), "");
  EXPECT_EQ(Findings("", "backend_tls: {ignore_verify: true, alpn: [h2, h2]}\n"),
            "LB0207 backend_tls.ignore_verify: backends are not verified: anyone on the way can "
            "read and change what is sent\n"
            "LB0237 backend_tls.alpn[1]: 'h2' is there twice\n");
}

TEST(TlsKeysTest, ALimitOfIdentitiesNeedsClientsThatShowOne) {
  const std::string limit = "rate_limit: {requests_per_second: 100, key: {client_cert: true}}\n";
  const std::string tls = absl::StrCat("  tls: {", kPair, ", client_ca: /ca.pem}\n");
  EXPECT_TRUE(Rule(absl::StrCat(tls, "  ", limit)).rate_limit->client_cert);
  EXPECT_EQ(Findings(absl::StrCat("  ", limit)),
            "LB0116 rules[0].rate_limit.key.client_cert: no client is asked for a certificate\n");
  EXPECT_EQ(Findings("", limit),
            "LB0116 rate_limit.key.client_cert: no client is asked for a certificate\n");
  EXPECT_EQ(Findings(tls, limit), "");
  // What the top level says of identities is not for a rule that has none.
  EXPECT_FALSE(LoadText(absl::StrCat("rules:\n"
                                     "- {name: a, listen: '127.0.0.1:1', backends: ['h:1'], tls: {",
                                     kPair, ", client_ca: /ca.pem}}\n",
                                     "- {name: b, listen: '127.0.0.1:2', backends: ['h:1'], "
                                     "rate_limit: {burst: 100}}\n",
                                     limit))
                   .config->rules.at(1)
                   .rate_limit->client_cert);
}

TEST(TlsKeysTest, WhatOthersCallItIsHintedAt) {
  const auto hint = [](const std::string& rest) -> std::string {
    for (const Finding& finding : LoadWith(Backends(rest), "").findings)
      if (!finding.hint.empty()) return finding.hint;
    return "";
  };
  const auto tls = [&](const std::string& key) {
    return hint(absl::StrCat("  tls: {", key, ": 1, ", kPair, "}\n"));
  };
  EXPECT_EQ(tls("ssl_certificate"), "did you mean 'cert'?");
  EXPECT_EQ(tls("crt"), "did you mean 'cert'?");
  EXPECT_EQ(tls("verify"), "did you mean 'client_auth'?");
  EXPECT_EQ(tls("ssl_protocols"), "did you mean 'min_version'?");
  EXPECT_EQ(tls("min_tls_version"), "did you mean 'min_version'?");
  EXPECT_EQ(tls("ca-file"), "did you mean 'client_ca'?");
  EXPECT_EQ(tls("ciphers"),
            "suites are not chosen: all of them are modern; min_version bounds the versions");
  EXPECT_EQ(hint("  backend_tls: {verify: none}\n"), "did you mean 'ignore_verify'?");
  EXPECT_EQ(hint("  ssl: true\n"), "did you mean 'tls'?");
  EXPECT_EQ(hint("  ssl_certificate: /c.pem\n"), "here it is tls.cert");
  EXPECT_EQ(hint("  sni: [{sni_hosts: [a.example], backends: ['h:1']}]\n"),
            "did you mean 'names'?");
  for (const char* word : {"required", "verify", "mandatory"})
    EXPECT_EQ(
        hint(absl::StrCat("  tls: {", kPair, ", client_ca: /ca.pem, client_auth: ", word, "}\n")),
        "did you mean 'require'?");
  EXPECT_EQ(hint(absl::StrCat("  tls: {", kPair, ", client_ca: /ca.pem, client_auth: optional}\n")),
            "did you mean 'request'?");
  EXPECT_EQ(hint(absl::StrCat("  tls: {", kPair, ", min_version: TLSv1.2}\n")),
            "did you mean '1.2'?");
}

TEST(TlsKeysTest, ARelativeNameOfAFileIsRefusedAndASecretIsNotTakenForOne) {
  TestSources sources;
  sources.AddTlsFiles();
  sources.files["c.pem"] = "";
  sources.files["/secret"] = "CANARY";
  const auto message = [&](const std::string& pair) {
    const LoadResult result = Load(
        absl::StrCat(
            "rules:\n- name: a\n  listen: 127.0.0.1:1\n  backends: ['127.0.0.1:2']\n  tls: ", pair,
            "\n"),
        sources.Get());
    return result.findings_total == 1 ? result.findings[0].code + " " + result.findings[0].message
                                      : "";
  };
  EXPECT_EQ(message("{cert: c.pem, key: /k.pem}"), "LB0108 'c.pem' is not an absolute path");
  EXPECT_EQ(message("{cert: /c.pem, key: \"${file:/secret}\"}"),
            "LB0108 the value of ${...} is not an absolute path");
}

}  // namespace
}  // namespace lb::controlplane
