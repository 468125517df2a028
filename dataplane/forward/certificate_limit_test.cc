// The rate limit of identities, as clients with certificates meet it.
#include <memory>
#include <string>

#include "dataplane/forward/test_tls.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

class CertificateLimitTest : public ::testing::Test {
 protected:
  CertificateLimitTest() {
    lb::type::v1::ServerTls& tls = EndTls(worker_, authority_.Issue({.name = "web.example"}));
    lb::type::v1::TrustBundle& bundle = *worker_.material().add_trust_bundles();
    bundle.set_id("clients");
    bundle.add_certificates_der(authority_.der());
    tls.set_client_ca("clients");
    tls.set_client_auth(lb::type::v1::ServerTls::CLIENT_AUTH_REQUEST);
    lb::type::v1::RateLimit& limit = *worker_.rule().mutable_rate_limit();
    limit.set_rate_per_s(1'000);  // Of an address, whose bucket is as large.
    limit.set_burst(1'000);
    limit.set_ipv4_prefix(32);
    limit.set_ipv6_prefix(64);
    limit.set_enforce(lb::type::v1::RateLimit::ENFORCE_ON);
    limit.set_on_refuse(lb::type::v1::RateLimit::ON_REFUSE_RESET);
    limit.set_max_clients(1'000);
    limit.set_client_cert(true);
    worker_.AddBackend("a", backend_.address());
  }

  // Applies a limit of so many connections.
  void Limit(int connections) {
    worker_.rule().mutable_rate_limit()->set_rate_per_s(1);
    worker_.rule().mutable_rate_limit()->set_burst(connections);
    worker_.Apply();
    limiter_ = worker_.tables()->rules[0]->identity_limiter;
  }

  // Whether a byte of a client comes back; nullptr: without a certificate.
  bool Echoes(const TestCertificate* certificate) {
    const auto context = ClientContextOf(&authority_);
    if (certificate != nullptr) ShowCertificate(context.get(), *certificate);
    TlsPeer peer = TlsPeer::Client(context.get(), Dial(worker_.address()), "web.example");
    return peer.Handshake() && peer.Send("x") && peer.Read(1).data == "x";
  }

  FakeBackend backend_{Echo};
  const TestAuthority authority_{"ca"};
  const TestCertificate a_ =
      authority_.Issue({.name = "x", .for_clients = true, .alt_names = "URI:spiffe://example/a"});
  const TestCertificate b_ =
      authority_.Issue({.name = "x", .for_clients = true, .alt_names = "URI:spiffe://example/b"});
  TestWorker worker_;
  std::shared_ptr<RateLimiter> limiter_;
};

TEST_F(CertificateLimitTest, EachIdentityHasABucketOfItsOwn) {
  worker_.rule().mutable_rate_limit()->set_on_refuse(lb::type::v1::RateLimit::ON_REFUSE_CLOSE);
  Limit(20);
  ASSERT_NE(limiter_, nullptr);
  // Almost empty: one token is left. Its own clock, so that no time passes for it.
  const Instant now = std::chrono::steady_clock::now() + std::chrono::hours(1);
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(limiter_->Admit(ClientNames::Of("spiffe://example/a"), now));
  EXPECT_FALSE(Echoes(&a_));
  EXPECT_TRUE(Echoes(&b_));
  EXPECT_TRUE(Echoes(nullptr));
  EXPECT_EQ(worker_.Refused(RefuseReason::kClientCertRate), 1u);
  EXPECT_EQ(worker_.Refused(RefuseReason::kRateLimit), 0u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::handshakes_total), 3u);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(backend_.accepted(), 2);
}

TEST_F(CertificateLimitTest, ALimitThatOnlyCountsRefusesNobody) {
  worker_.rule().mutable_rate_limit()->set_enforce(lb::type::v1::RateLimit::ENFORCE_SHADOW);
  Limit(1);
  const Instant now = std::chrono::steady_clock::now() + std::chrono::hours(1);
  ASSERT_TRUE(limiter_->Admit(ClientNames::Of("spiffe://example/a"), now));
  EXPECT_TRUE(Echoes(&a_));
  EXPECT_EQ(worker_.Sum(&RuleCounters::would_refuse), 1u);
}

TEST_F(CertificateLimitTest, IsOnlyWhereClientsAreAskedForCertificates) {
  Limit(10);
  EXPECT_NE(limiter_, nullptr);
  worker_.rule().mutable_tls()->set_client_auth(lb::type::v1::ServerTls::CLIENT_AUTH_UNSPECIFIED);
  Limit(10);
  EXPECT_EQ(limiter_, nullptr);
  worker_.rule().clear_tls();
  Limit(10);
  EXPECT_EQ(limiter_, nullptr);
}

}  // namespace
}  // namespace lb::dataplane
