// TLS as snapshots say it: what is refused, and what stays the same object over snapshots.
#include "dataplane/snapshot/tls_tables.h"

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/test_authority.h"
#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/check_tls.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

void AddPair(type::Snapshot& snapshot, const std::string& id, const TestCertificate& certificate) {
  type::CertificatePair& pair = *snapshot.add_certificates();
  pair.set_id(id);
  pair.add_chain_der(certificate.CertDer());
  pair.set_key_der(certificate.KeyDer());
  pair.add_names(id + ".example");
}

type::Rule& AddRule(type::Snapshot& snapshot, const std::string& name, int port) {
  type::Rule& rule = *snapshot.add_rules();
  rule.set_name(name);
  rule.set_listen(absl::StrCat("127.0.0.1:", port));
  rule.mutable_timeouts()->set_connect_ms(1'000);
  rule.mutable_timeouts()->set_idle_ms(1'000);
  rule.mutable_timeouts()->set_half_close_ms(1'000);
  rule.set_balance(type::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule.set_connect_attempts(3);
  type::ServerTls& tls = *rule.mutable_tls();
  tls.set_min_version(type::TLS_VERSION_1_2);
  tls.set_handshake_timeout_ms(1'000);
  type::BackendTls& backend_tls = *rule.mutable_backend_tls();
  backend_tls.set_ca("ca");
  backend_tls.set_min_version(type::TLS_VERSION_1_2);
  backend_tls.set_handshake_timeout_ms(1'000);
  type::Backend& backend = *rule.add_backends();
  backend.set_name("a");
  backend.set_address("10.0.0.1:443");
  backend.set_weight(1);
  return rule;
}

class TlsTablesTest : public testing::Test {
 protected:
  // The rules mail (one, two) and web (one), both with clients of an authority.
  TlsTablesTest() {
    AddPair(snapshot_, "one", authority_.Issue({.name = "one.example"}));
    AddPair(snapshot_, "two", authority_.Issue({.name = "two.example"}));
    type::TrustBundle& bundle = *snapshot_.add_trust_bundles();
    bundle.set_id("ca");
    bundle.add_certificates_der(authority_.der());
    type::Rule& mail = AddRule(snapshot_, "mail", 25);
    mail.mutable_tls()->add_certificates("one");
    mail.mutable_tls()->add_certificates("two");
    AddRule(snapshot_, "web", 443).mutable_tls()->add_certificates("one");
  }

  void Apply() {
    BuiltTables built = BuildTables(snapshot_, tables_.get(), registry_, Instant());
    ASSERT_TRUE(built.problems.empty()) << built.problems[0].path << built.problems[0].message;
    tables_ = std::move(built.tables);
  }
  // "PATH: MESSAGE" of the first thing that is wrong after the change.
  std::string Refusal(const std::function<void(type::Snapshot&)>& change) {
    type::Snapshot snapshot = snapshot_;
    change(snapshot);
    const BuiltTables built = BuildTables(snapshot, tables_.get(), registry_, Instant());
    EXPECT_EQ(built.tables, nullptr);
    return built.problems.empty() ? "" : built.problems[0].path + ": " + built.problems[0].message;
  }

  const TestAuthority authority_{"ca"};
  type::Snapshot snapshot_;
  StateRegistry registry_{1};
  std::shared_ptr<const Tables> tables_;
};

TEST_F(TlsTablesTest, RulesWithoutTlsHaveNone) {
  snapshot_.mutable_rules(0)->clear_tls();
  snapshot_.mutable_rules(0)->clear_backend_tls();
  Apply();
  EXPECT_EQ(tables_->rules[0]->tls, nullptr);
  EXPECT_EQ(tables_->rules[0]->backend_tls, nullptr);
  EXPECT_NE(tables_->rules[1]->tls, nullptr);
  EXPECT_NE(tables_->rules[1]->backend_tls, nullptr);
}

TEST_F(TlsTablesTest, MaterialThatIsNotThereOrTwiceIsRefused) {
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_rules(1)->mutable_tls()->set_certificates(0, "x"); }),
            "rules/web/tls/certificates: 'x' is not in the snapshot");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_rules(1)->mutable_tls()->clear_certificates(); }),
            "rules/web/tls/certificates: 0 is not in 1..10000");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_rules(1)->mutable_backend_tls()->set_ca("y"); }),
            "rules/web/backend_tls/ca: 'y' is not in the snapshot");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_rules(1)->mutable_backend_tls()->set_crl("z"); }),
            "rules/web/backend_tls/crl: 'z' is not in the snapshot");
  EXPECT_EQ(
      Refusal([](auto& s) {
        s.mutable_rules(1)->mutable_tls()->set_client_auth(type::ServerTls::CLIENT_AUTH_REQUIRE);
      }),
      "rules/web/tls/client_ca: '' is not in the snapshot");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_certificates(1)->set_id("one"); }).substr(0, 14),
            "certificates: ");
}

TEST_F(TlsTablesTest, MaterialThatDoesNotParseIsRefusedWithoutASecretInTheMessage) {
  EXPECT_EQ(
      Refusal([](auto& s) { s.mutable_certificates(1)->set_key_der(s.certificates(0).key_der()); }),
      "certificates/two: the key is not that of the certificate");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_certificates(1)->set_key_der("key"); }),
            "certificates/two: the key is no PKCS8 key");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_certificates(1)->add_chain_der("\x30\x03"); }),
            "certificates/two: certificate 2 of the chain is none");
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_trust_bundles(0)->add_certificates_der("x"); }),
            "trust_bundles/ca: authority 2 is no certificate");
}

TEST_F(TlsTablesTest, SettingsOutOfRangeAreRefused) {
  EXPECT_EQ(Refusal([](auto& s) { s.mutable_rules(0)->mutable_tls()->add_alpn(""); }),
            "rules/mail/tls/alpn: a protocol of 0 bytes is not in 1..255");
  EXPECT_EQ(Refusal([](auto& s) {
              s.mutable_rules(0)->mutable_backend_tls()->add_alpn(std::string(256, 'a'));
            }),
            "rules/mail/backend_tls/alpn: a protocol of 256 bytes is not in 1..255");
  EXPECT_EQ(Refusal([](auto& s) {
              s.mutable_rules(0)->mutable_tls()->set_handshake_timeout_ms(0);
            }).substr(0, 40),
            "rules/mail/tls/handshake_timeout_ms: 0 i");
  EXPECT_EQ(Refusal([](auto& s) {
              s.mutable_rules(0)->mutable_backends(0)->set_server_name(std::string("a\0z", 3));
            }),
            "rules/mail/backends/a/server_name: 'a\\x00z' has a NUL");
}

TEST_F(TlsTablesTest, WhatSaysTheSameIsTheSame) {
  Apply();
  const auto before = tables_;
  Apply();
  EXPECT_EQ(tables_->rules, before->rules);
}

TEST_F(TlsTablesTest, ARenewedCertificateChangesItsRulesOnly) {
  Apply();
  const auto before = tables_;
  AddPair(snapshot_, "three", authority_.Issue({.name = "two.example"}));
  snapshot_.mutable_rules(0)->mutable_tls()->set_certificates(1, "three");
  snapshot_.mutable_certificates()->DeleteSubrange(1, 1);
  Apply();
  EXPECT_NE(tables_->rules[0]->tls, before->rules[0]->tls);
  EXPECT_EQ(tables_->rules[0]->backend_tls, before->rules[0]->backend_tls);
  EXPECT_EQ(tables_->rules[1], before->rules[1]);
}

// Goal: one of ten thousand certificates renewed costs one.
TEST_F(TlsTablesTest, ThousandsOfCertificatesAreParsedOnce) {
  const TestCertificate certificate = authority_.Issue({.name = "x.example"});
  type::ServerTls& tls = *snapshot_.mutable_rules(1)->mutable_tls();
  for (int i = 0; i < kMaxCertificates - 3; ++i) {
    AddPair(snapshot_, absl::StrCat("n", i), certificate);
    tls.add_certificates(absl::StrCat("n", i));
  }
  Apply();
  const auto kept = [&](const std::string& id) { return registry_.tls().pairs.Find(id).get(); };
  const tls::Pair* const first = kept("n0");
  const tls::Pair* const last = kept("n9996");
  AddPair(snapshot_, "new", certificate);
  tls.add_certificates("new");
  Apply();
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(kept("n0"), first);
  EXPECT_EQ(kept("n9996"), last);
  EXPECT_NE(kept("new"), nullptr);
  EXPECT_EQ(Refusal([&](auto& s) { AddPair(s, "more", certificate); }),
            "certificates: 10001 of them; at most 10000");
}

TEST_F(TlsTablesTest, WhatNoRuleUsesAnyMoreIsForgotten) {
  Apply();
  ASSERT_NE(registry_.tls().pairs.Find("two"), nullptr);
  snapshot_.mutable_rules(0)->mutable_tls()->mutable_certificates()->RemoveLast();
  Apply();
  EXPECT_EQ(registry_.tls().pairs.Find("two"), nullptr);
}

}  // namespace
}  // namespace lb::dataplane
