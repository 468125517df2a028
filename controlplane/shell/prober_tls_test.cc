#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>

#include "absl/strings/match.h"
#include "base/test_chain.h"
#include "base/tls_trust.h"
#include "controlplane/shell/prober.h"
#include "controlplane/shell/test_certificates.h"
#include "controlplane/shell/test_loop.h"
#include "controlplane/shell/test_tls_backend.h"
#include "gtest/gtest.h"
#include "tests/fakes/backend/fake_backend.h"

namespace lb::controlplane {
namespace {

using fakes::FakeBackend;
using std::chrono::milliseconds;
using Protocol = HealthCheckConfig::Protocol;
constexpr char kOkReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr char kCa[] = "/etc/lb/ca.pem";
constexpr char kCrl[] = "/etc/lb/crl.pem";

class ProberTlsTest : public testing::Test {
 protected:
  ProberTlsTest() { material_.bundles[kCa] = BundleOf(authority_); }

  StartProbe Request(const Endpoint& address, Protocol protocol = Protocol::kTls) {
    StartProbe request;
    request.probe = ++probes_;
    request.address = address;
    request.protocol = protocol;
    request.path = "/health";
    request.host = "app.internal";
    request.timeout = milliseconds(20'000);
    request.tls = ProbeTls{std::make_shared<TlsMaterial>(material_),
                           std::make_shared<BackendTlsConfig>(settings_), server_name_};
    return request;
  }

  // Runs one check to its end and returns its result.
  ProbeDone Check(StartProbe request) {
    const size_t before = loop_.Of<ProbeDone>().size();
    prober_.Start(std::move(request));
    EXPECT_TRUE(loop_.RunUntil([&] { return loop_.Of<ProbeDone>().size() > before; }));
    EXPECT_TRUE(loop_.RunUntil([&] { return prober_.in_flight() == 0; }));
    EXPECT_EQ(loop_.Of<ProbeDone>().size(), before + 1);
    return loop_.Of<ProbeDone>().back();
  }

  // What a check says of a backend that shows `certificate`.
  std::string DetailOf(const TestCertificate& certificate) {
    TestTlsBackend backend(loop_.io(), ServerContextOf(certificate), "");
    const ProbeDone done = Check(Request(backend.endpoint()));
    return (done.passed ? "passed: " : "failed: ") + done.detail;
  }

  // A context that asks clients for a certificate of `authority_`.
  bssl::UniquePtr<SSL_CTX> AskingContext(int verify_mode) {
    bssl::UniquePtr<SSL_CTX> context = ServerContextOf(authority_.Issue({}));
    SSL_CTX_set_verify(context.get(), verify_mode, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority_.certificate().x509());
    return context;
  }

  TestLoop loop_;
  Prober prober_{loop_.io(), 1'000, loop_.sink()};
  const TestAuthority authority_{"Test Authority"};
  TlsMaterial material_;
  BackendTlsConfig settings_{.ca = kCa};
  std::string server_name_ = "web.internal";
  ProbeId probes_ = 0;
};

TEST_F(ProberTlsTest, AHandshakeWithAGoodCertificatePassesAndEndsProperly) {
  for (const Protocol protocol : {Protocol::kTls, Protocol::kTcp}) {
    TestTlsBackend backend(loop_.io(), ServerContextOf(authority_.Issue({})), "");
    const ProbeDone done = Check(Request(backend.endpoint(), protocol));
    EXPECT_TRUE(done.passed) << done.detail;
    EXPECT_EQ(done.detail, "TLSv1.3 handshake");
    EXPECT_TRUE(loop_.RunUntil([&] { return backend.seen().closed_properly; }));
    EXPECT_TRUE(backend.seen().handshake_done);
    EXPECT_EQ(backend.seen().server_name, "web.internal");
  }
}

TEST_F(ProberTlsTest, AnHttpCheckGoesThroughTls) {
  TestTlsBackend backend(loop_.io(), ServerContextOf(authority_.Issue({})), kOkReply);
  const ProbeDone done = Check(Request(backend.endpoint(), Protocol::kHttp));
  EXPECT_TRUE(done.passed);
  EXPECT_EQ(done.detail, "HTTP 200");
  EXPECT_TRUE(absl::StartsWith(backend.seen().request, "GET /health HTTP/1.1\r\n"));
  EXPECT_EQ(backend.seen().alpn, "\x08http/1.1");
  StartProbe expects = Request(backend.endpoint(), Protocol::kHttp);
  expects.expect_status = 204;
  EXPECT_EQ(Check(expects).detail, "HTTP 200");
}

TEST_F(ProberTlsTest, ThePlainProxyHeaderComesFirst) {
  constexpr size_t kV1Bytes = 15;
  TestTlsBackend backend(loop_.io(), ServerContextOf(authority_.Issue({})), kOkReply, kV1Bytes);
  StartProbe request = Request(backend.endpoint(), Protocol::kHttp);
  request.proxy_header = ProxyVersion::kV1;
  EXPECT_EQ(Check(request).detail, "HTTP 200");
  EXPECT_EQ(backend.seen().before_tls, "PROXY UNKNOWN\r\n");
}

TEST_F(ProberTlsTest, AHandshakeOffersWhatTheRulesConnectionsOffer) {
  settings_.alpn = {"postgresql", "x"};
  TestTlsBackend backend(loop_.io(), ServerContextOf(authority_.Issue({})), "");
  EXPECT_TRUE(Check(Request(backend.endpoint())).passed);
  EXPECT_EQ(backend.seen().alpn, "\x0apostgresql\x01x");
}

TEST_F(ProberTlsTest, ACertificateForAnotherNameIsNamed) {
  EXPECT_EQ(DetailOf(authority_.Issue({.alt_names = "DNS:other.example"})),
            "failed: TLS: certificate is for other.example, not web.internal");
  EXPECT_EQ(DetailOf(authority_.Issue({.alt_names = "DNS:a,DNS:b,IP:10.0.0.1,DNS:d,DNS:e"})),
            "failed: TLS: certificate is for a, b, 10.0.0.1 and 2 more, not web.internal");
  server_name_ = "a.web.internal";
  const TestCertificate wildcard = authority_.Issue({.alt_names = "DNS:*.web.internal"});
  EXPECT_EQ(DetailOf(wildcard), "passed: TLSv1.3 handshake");
  server_name_ = "a.b.web.internal";
  EXPECT_EQ(DetailOf(wildcard),
            "failed: TLS: certificate is for *.web.internal, not a.b.web.internal");
}

TEST_F(ProberTlsTest, ACommonNameAloneDoesNotCount) {
  EXPECT_EQ(DetailOf(authority_.Issue({.alt_names = "-"})),
            "failed: TLS: certificate is for no name (a common name alone does not count), not "
            "web.internal");
}

TEST_F(ProberTlsTest, AnAddressIsVerifiedAndNotAskedFor) {
  server_name_ = "127.0.0.1";
  TestTlsBackend backend(loop_.io(),
                         ServerContextOf(authority_.Issue({.alt_names = "IP:127.0.0.1"})), "");
  EXPECT_TRUE(Check(Request(backend.endpoint())).passed);
  EXPECT_EQ(backend.seen().server_name, "");
  server_name_ = "127.0.0.2";
  EXPECT_EQ(Check(Request(backend.endpoint())).detail,
            "TLS: certificate is for 127.0.0.1, not 127.0.0.2");
}

TEST_F(ProberTlsTest, ExpiredAndEarlyCertificatesSayTheirDay) {
  const std::string expired = DetailOf(authority_.Issue({.starts_days = -9, .ends_days = -2}));
  EXPECT_TRUE(absl::StartsWith(expired, "failed: TLS: certificate expired 20")) << expired;
  const std::string early = DetailOf(authority_.Issue({.starts_days = 2}));
  EXPECT_TRUE(absl::StartsWith(early, "failed: TLS: certificate is not valid before 20")) << early;
}

TEST_F(ProberTlsTest, AStrangersCertificateNamesTheFileThatDoesNotHaveItsAuthority) {
  EXPECT_EQ(DetailOf(TestAuthority("Stranger").Issue({})),
            "failed: TLS: not signed by an authority of /etc/lb/ca.pem");
  settings_.ca.clear();
  material_.bundles[""] = BundleOf(authority_);
  EXPECT_EQ(DetailOf(TestAuthority("Stranger").Issue({})),
            "failed: TLS: not signed by an authority of /etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(DetailOf(authority_.Issue({})), "passed: TLSv1.3 handshake");
}

TEST_F(ProberTlsTest, ACertificateOfAClientIsNoneOfAServer) {
  EXPECT_EQ(DetailOf(authority_.Issue({.for_clients = true})),
            "failed: TLS: certificate is not one for servers");
}

TEST_F(ProberTlsTest, ARevokedCertificateFails) {
  const TestCertificate good = authority_.Issue({});
  const TestCertificate revoked = authority_.Issue({});
  settings_.crl = kCrl;
  material_.revocations[kCrl] = RevocationsOf(authority_, {revoked});
  EXPECT_EQ(DetailOf(revoked), "failed: TLS: revoked");
  EXPECT_EQ(DetailOf(good), "passed: TLSv1.3 handshake");
  material_.revocations[kCrl] = RevocationsOf(TestAuthority("Stranger"), {});
  EXPECT_EQ(DetailOf(good), "failed: TLS: no revocation list of its authority in /etc/lb/crl.pem");
}

TEST_F(ProberTlsTest, ABackendBelowARevokedIntermediateFails) {
  using Revoked = TestChain::Revoked;
  const TestChain chain;
  const std::string list = chain.IntermediateList(Revoked::kNothing);
  const auto detail = [&](const std::string& authority, std::vector<std::string> lists) {
    bssl::UniquePtr<SSL_CTX> context = ServerContextOf(chain.leaf());
    SSL_CTX_add1_chain_cert(context.get(), ParseCertificate(chain.intermediate()).get());
    settings_.crl = kCrl;
    material_.bundles[kCa].certificates_der = {authority};
    material_.revocations[kCrl].crls_der = std::move(lists);
    material_.bundles[kCa].id = material_.revocations[kCrl].id = std::to_string(probes_);
    TestTlsBackend backend(loop_.io(), std::move(context), "");
    return Check(Request(backend.endpoint())).detail;
  };
  EXPECT_EQ(detail(chain.root(), {list, chain.RootList(Revoked::kNothing)}), "TLSv1.3 handshake");
  EXPECT_EQ(detail(chain.root(), {list, chain.RootList(Revoked::kWhatItSigned)}),
            "TLS: certificate of its authority /CN=intermediate was revoked");
  EXPECT_EQ(detail(chain.root(), {list}),
            "TLS: no revocation list about the certificate of its authority /CN=intermediate in "
            "/etc/lb/crl.pem");
  EXPECT_EQ(detail(chain.intermediate(), {list}), "TLSv1.3 handshake");
}

TEST_F(ProberTlsTest, WithVerificationIgnoredAnyCertificateWillDo) {
  settings_ = {.ignore_verify = true};
  EXPECT_EQ(DetailOf(TestAuthority("Stranger").Issue({.ends_days = -1, .alt_names = "-"})),
            "passed: TLSv1.3 handshake");
  server_name_.clear();
  EXPECT_EQ(DetailOf(authority_.Issue({})), "passed: TLSv1.3 handshake");
}

TEST_F(ProberTlsTest, RenewedAuthoritiesAreUsedAtOnce) {
  const TestAuthority next("Next Authority");
  EXPECT_TRUE(absl::StartsWith(DetailOf(next.Issue({})), "failed"));
  material_.bundles[kCa] = BundleOf(next);
  EXPECT_EQ(DetailOf(next.Issue({})), "passed: TLSv1.3 handshake");
}

TEST_F(ProberTlsTest, ABackendThatWantsACertificateSaysSoAndTakesOurs) {
  settings_.cert = "/etc/lb/client.crt";
  settings_.key = "/etc/lb/client.key";
  material_.pairs[{settings_.cert, settings_.key, ""}] =
      PairOf(authority_.Issue({.for_clients = true}));
  const BackendTlsConfig with = settings_;
  const BackendTlsConfig without{.ca = kCa};
  for (const Protocol protocol : {Protocol::kTls, Protocol::kHttp}) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      bssl::UniquePtr<SSL_CTX> context =
          AskingContext(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
      SSL_CTX_set_max_proto_version(context.get(), static_cast<uint16_t>(version));
      TestTlsBackend backend(loop_.io(), std::move(context),
                             protocol == Protocol::kTls ? "" : kOkReply);
      settings_ = without;
      const ProbeDone refused = Check(Request(backend.endpoint(), protocol));
      EXPECT_FALSE(refused.passed);
      EXPECT_TRUE(absl::StrContains(refused.detail, "a client certificate")) << refused.detail;
      settings_ = with;
      const ProbeDone taken = Check(Request(backend.endpoint(), protocol));
      EXPECT_TRUE(taken.passed) << taken.detail;
    }
  }
}

TEST_F(ProberTlsTest, ACertificateThatTheBackendDoesNotKnowIsToldFromOneThatIsMissing) {
  settings_.cert = "/etc/lb/client.crt";
  settings_.key = "/etc/lb/client.key";
  material_.pairs[{settings_.cert, settings_.key, ""}] =
      PairOf(TestAuthority("Stranger").Issue({.for_clients = true}));
  TestTlsBackend backend(loop_.io(),
                         AskingContext(SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT), "");
  EXPECT_EQ(Check(Request(backend.endpoint())).detail,
            "TLS: the backend refused our certificate (unknown CA)");
}

TEST_F(ProberTlsTest, AskedForACertificateThatIsNotNeededWePass) {
  for (const bool tickets : {true, false}) {
    bssl::UniquePtr<SSL_CTX> context = AskingContext(SSL_VERIFY_PEER);
    if (!tickets) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    TestTlsBackend backend(loop_.io(), std::move(context), "");
    EXPECT_EQ(Check(Request(backend.endpoint())).detail, "TLSv1.3 handshake");
    EXPECT_TRUE(loop_.Of<ProbeDone>().back().passed);
  }
}

TEST_F(ProberTlsTest, OldVersionsAreRefused) {
  for (const TlsVersion min : {TlsVersion::k12, TlsVersion::k13}) {
    settings_.min_version = min;
    bssl::UniquePtr<SSL_CTX> context = ServerContextOf(authority_.Issue({}));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context.get(),
                                  min == TlsVersion::k12 ? TLS1_1_VERSION : TLS1_2_VERSION);
    TestTlsBackend backend(loop_.io(), std::move(context), "");
    EXPECT_EQ(Check(Request(backend.endpoint())).detail,
              "TLS: handshake failed (protocol version)");
  }
}

TEST_F(ProberTlsTest, ABackendWithoutTlsSaysSo) {
  FakeBackend backend(loop_.io(), FakeBackend::Manner::kAnswer, "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(Check(Request(backend.endpoint())).detail, "TLS: the backend does not speak TLS");
}

TEST_F(ProberTlsTest, AnEndDuringTheHandshakeFails) {
  FakeBackend backend(loop_.io(), FakeBackend::Manner::kAnswer, "\x16\x03\x03\x01");
  const ProbeDone done = Check(Request(backend.endpoint()));
  EXPECT_FALSE(done.passed);
  EXPECT_EQ(done.detail, "TLS: closed during the handshake");
}

TEST_F(ProberTlsTest, AResetDuringTheHandshakeFails) {
  using boost::asio::ip::tcp;
  tcp::acceptor acceptor(loop_.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  acceptor.async_accept([](const boost::system::error_code& error, tcp::socket socket) {
    if (!error) socket.set_option(boost::asio::socket_base::linger(true, 0));
    socket.close();
  });
  const ProbeDone done =
      Check(Request(Endpoint::FromIp("127.0.0.1", acceptor.local_endpoint().port()).value()));
  EXPECT_FALSE(done.passed);
  // Which call meets it is a matter of time.
  EXPECT_TRUE(absl::StartsWith(done.detail, "TLS: handshake failed (") ||
              absl::StartsWith(done.detail, "connect: "))
      << done.detail;
}

TEST_F(ProberTlsTest, AHandshakeWithoutEndIsCutOff) {
  // Empty records of a handshake, which say nothing.
  std::string records;
  for (int i = 0; i < 200'000; ++i) records += std::string("\x16\x03\x03\x00\x00", 5);
  FakeBackend backend(loop_.io(), FakeBackend::Manner::kEndless, records);
  const ProbeDone done = Check(Request(backend.endpoint()));
  EXPECT_FALSE(done.passed);
  EXPECT_LT(done.took, std::chrono::seconds(10));
}

TEST_F(ProberTlsTest, AStallingHandshakeEndsAtTheTimeoutAndDelaysNobody) {
  FakeBackend hanging(loop_.io(), FakeBackend::Manner::kHang, "");
  FakeBackend dripping(loop_.io(), FakeBackend::Manner::kDrip, std::string(1'000, '\x16'));
  TestTlsBackend healthy(loop_.io(), ServerContextOf(authority_.Issue({})), kOkReply);
  const milliseconds timeout(300);
  for (int i = 0; i < 20; ++i) {
    StartProbe request = Request(i == 0 ? dripping.endpoint() : hanging.endpoint());
    request.timeout = timeout;
    prober_.Start(std::move(request));
  }
  StartProbe good = Request(healthy.endpoint(), Protocol::kHttp);
  const ProbeId id = good.probe;
  prober_.Start(std::move(good));
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProbeDone>().size() == 21; }));
  for (const ProbeDone& done : loop_.Of<ProbeDone>()) {
    EXPECT_EQ(done.passed, done.probe == id) << done.detail;
    if (done.probe == id || done.detail == "TLS: the backend does not speak TLS") continue;
    EXPECT_EQ(done.detail, "TLS: timeout after 300 ms");
    EXPECT_GE(done.took, timeout);
    EXPECT_LT(done.took, 10 * timeout);
  }
}

TEST_F(ProberTlsTest, WhatTheMaterialDoesNotHoldIsNamedAndNobodyIsTrusted) {
  material_ = {};
  EXPECT_EQ(DetailOf(authority_.Issue({})),
            "failed: TLS: authorities of /etc/lb/ca.pem cannot be used");
  settings_ = {.ignore_verify = true, .cert = "/etc/lb/a.crt", .key = "/etc/lb/a.key"};
  EXPECT_EQ(DetailOf(authority_.Issue({})),
            "failed: TLS: certificate of /etc/lb/a.crt cannot be used");
  settings_ = {.ca = kCa};
  server_name_.clear();
  EXPECT_EQ(DetailOf(authority_.Issue({})), "failed: TLS: no name to verify: set server_name");
}

}  // namespace
}  // namespace lb::controlplane
