#include "controlplane/snapshot/encode.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

using testing::ElementsAre;

class EncodeTlsTest : public testing::Test {
 protected:
  EncodeTlsTest() {
    AddPair({"/a.crt", "/a.key", "/a.ocsp"}, "id-2");
    AddPair({"/b.crt", "/b.key", ""}, "id-1");
    AddPair({"/same_as_a.crt", "/a.key", ""}, "id-2");
    AddPair({"/unused.crt", "/u.key", ""}, "id-3");
    material_.bundles["/ca"] = {"ca", {"authority"}, {}};
    material_.bundles[""] = {"system", {"s1", "s2"}, {}};
    material_.revocations["/crl"] = {"crl", {"list"}, "", 0};
    rule_.name = "web";
    rule_.listen = Endpoint::FromIp("127.0.0.1", 443).value();
    rule_.timeouts.handshake = std::chrono::milliseconds(7'000);
    LiveBackend& backend = rule_.backends.emplace_back();
    backend.name = "b";
    backend.address = Endpoint::FromIp("10.0.0.1", 443).value();
    backend.server_name = "web.internal";
    backend.sni_route = 2;
  }

  void AddPair(const CertificateFiles& files, const std::string& id) {
    CertificatePair& pair = material_.pairs[files];
    pair.id = id;
    pair.chain_der = {"leaf of " + id, "middle"};
    pair.key_der = "key of " + id;
    pair.ocsp_response_der = "response";
    pair.ocsp_next_update_s = 5;
    pair.facts.dns_names = {"*.example.com", "example.com"};
  }

  type::v1::Snapshot Encoded() const {
    type::v1::Snapshot snapshot;
    EXPECT_TRUE(snapshot.ParseFromString(Encode({rule_}, &material_).bytes));
    return snapshot;
  }

  TlsMaterial material_;
  LiveRule rule_;
};

TEST_F(EncodeTlsTest, EverySettingTowardsClientsArrives) {
  rule_.tls = TlsConfig{.certificates = {{"/a.crt", "/a.key", "/a.ocsp"}, {"/b.crt", "/b.key", ""}},
                        .strict_sni = true,
                        .min_version = TlsVersion::k13,
                        .alpn = {"h2", "http/1.1"},
                        .client_auth = TlsConfig::ClientAuth::kRequest,
                        .client_ca = "/ca",
                        .client_crl = "/crl"};
  const type::v1::Snapshot snapshot = Encoded();
  EXPECT_THAT(snapshot.required_features(), ElementsAre("tls"));
  const type::v1::ServerTls& tls = snapshot.rules(0).tls();
  EXPECT_THAT(tls.certificates(), ElementsAre("id-2", "id-1"));  // The default first.
  EXPECT_TRUE(tls.strict_sni());
  EXPECT_EQ(tls.min_version(), type::v1::TLS_VERSION_1_3);
  EXPECT_THAT(tls.alpn(), ElementsAre("h2", "http/1.1"));
  EXPECT_EQ(tls.client_auth(), type::v1::ServerTls::CLIENT_AUTH_REQUEST);
  EXPECT_EQ(tls.client_ca(), "ca");
  EXPECT_EQ(tls.client_crl(), "crl");
  EXPECT_EQ(tls.handshake_timeout_ms(), 7'000u);
  EXPECT_EQ(snapshot.rules(0).backends(0).server_name(), "");  // Backends are plain.
}

TEST_F(EncodeTlsTest, OnlyWhatIsInUseTravelsSortedAndOnce) {
  rule_.tls = TlsConfig{.certificates = {{"/a.crt", "/a.key", "/a.ocsp"},
                                         {"/b.crt", "/b.key", ""},
                                         {"/same_as_a.crt", "/a.key", ""}}};
  const type::v1::Snapshot snapshot = Encoded();
  EXPECT_EQ(snapshot.rules(0).tls().certificates_size(), 2);
  ASSERT_EQ(snapshot.certificates_size(), 2);
  EXPECT_EQ(snapshot.certificates(0).id(), "id-1");
  const type::v1::CertificatePair& pair = snapshot.certificates(1);
  EXPECT_EQ(pair.id(), "id-2");
  EXPECT_THAT(pair.chain_der(), ElementsAre("leaf of id-2", "middle"));
  EXPECT_EQ(pair.key_der(), "key of id-2");
  EXPECT_EQ(pair.ocsp_response_der(), "response");
  EXPECT_EQ(pair.ocsp_next_update_s(), 5);
  EXPECT_THAT(pair.names(), ElementsAre("*.example.com", "example.com"));
  EXPECT_EQ(snapshot.trust_bundles_size(), 0);
  EXPECT_EQ(snapshot.revocation_lists_size(), 0);
}

TEST_F(EncodeTlsTest, EverySettingTowardsBackendsArrives) {
  rule_.backend_tls = BackendTlsConfig{.ca = "/ca",
                                       .crl = "/crl",
                                       .pass_sni = true,
                                       .cert = "/b.crt",
                                       .key = "/b.key",
                                       .min_version = TlsVersion::k12,
                                       .alpn = {"redis"}};
  type::v1::Snapshot snapshot = Encoded();
  EXPECT_THAT(snapshot.required_features(), ElementsAre("backend_tls"));
  const type::v1::BackendTls& tls = snapshot.rules(0).backend_tls();
  EXPECT_FALSE(tls.ignore_verify());
  EXPECT_EQ(tls.ca(), "ca");
  EXPECT_EQ(tls.crl(), "crl");
  EXPECT_TRUE(tls.pass_sni());
  EXPECT_EQ(tls.certificate(), "id-1");
  EXPECT_EQ(tls.min_version(), type::v1::TLS_VERSION_1_2);
  EXPECT_THAT(tls.alpn(), ElementsAre("redis"));
  EXPECT_EQ(tls.handshake_timeout_ms(), 7'000u);
  EXPECT_EQ(snapshot.rules(0).backends(0).server_name(), "web.internal");
  rule_.backend_tls = BackendTlsConfig{};
  snapshot = Encoded();
  EXPECT_EQ(snapshot.rules(0).backend_tls().ca(), "system");
  ASSERT_EQ(snapshot.trust_bundles_size(), 1);
  EXPECT_THAT(snapshot.trust_bundles(0).certificates_der(), ElementsAre("s1", "s2"));
  rule_.backend_tls->ignore_verify = true;
  EXPECT_EQ(Encoded().rules(0).backend_tls().ca(), "");
}

TEST_F(EncodeTlsTest, RoutesArriveWithTheirBackends) {
  rule_.sni_routes = {{.names = {"a.example"}}, {.names = {"b.example", "*.b.example"}}};
  const type::v1::Snapshot snapshot = Encoded();
  EXPECT_THAT(snapshot.required_features(), ElementsAre("sni"));
  ASSERT_EQ(snapshot.rules(0).sni_routes_size(), 2);
  EXPECT_THAT(snapshot.rules(0).sni_routes(1).names(), ElementsAre("b.example", "*.b.example"));
  EXPECT_EQ(snapshot.rules(0).client_hello_timeout_ms(), 7'000u);
  EXPECT_EQ(snapshot.rules(0).backends(0).sni_route(), 2u);
}

TEST_F(EncodeTlsTest, LimitsOfClientCertificatesNeedAFeatureOfTheirOwn) {
  rule_.rate_limit = RateLimitConfig{.client_cert = true};
  const type::v1::Snapshot snapshot = Encoded();
  EXPECT_TRUE(snapshot.rate_limit().client_cert());
  EXPECT_THAT(snapshot.required_features(), ElementsAre("client_cert_limit", "rate_limit"));
}

TEST_F(EncodeTlsTest, ANewContentOfAFileChangesTheDigest) {
  rule_.tls = TlsConfig{.certificates = {{"/b.crt", "/b.key", ""}}};
  const std::string before = Encode({rule_}, &material_).digest;
  EXPECT_EQ(Encode({rule_}, &material_).digest, before);
  AddPair({"/b.crt", "/b.key", ""}, "id-9");
  EXPECT_NE(Encode({rule_}, &material_).digest, before);
}

TEST_F(EncodeTlsTest, WithoutMaterialRulesAreComparedByTheNamesOfFiles) {
  rule_.tls = TlsConfig{.certificates = {{"/b.crt", "/b.key", ""}}};
  LiveRule other = rule_;
  EXPECT_EQ(Encode({rule_}).digest, Encode({other}).digest);
  other.tls->certificates[0].cert = "/c.crt";
  EXPECT_NE(Encode({rule_}).digest, Encode({other}).digest);
}

}  // namespace
}  // namespace lb::controlplane
