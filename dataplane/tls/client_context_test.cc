// Which backends are believed, and when a session with one goes on, in memory.
#include "dataplane/tls/client_context.h"

#include <string>
#include <utility>
#include <vector>

#include "dataplane/tls/test_handshake.h"
#include "gtest/gtest.h"

namespace lb::dataplane::tls {
namespace {

class ClientContextTest : public ::testing::Test {
 protected:
  ClientContextTest() { settings_.trust = TrustIn(authority_); }

  // A backend with this certificate.
  void Serve(const TestCertificate& certificate) { server_ = ServerContextOf(certificate); }
  void Serve(const TestAuthority::Leaf& leaf) { Serve(authority_.Issue(leaf)); }

  TestConnection Connect(const ClientContext& context, const std::string& name,
                         const std::string& backend = "a") {
    return Handshake(context.NewSsl(backend, name), NewServer(server_.get()));
  }
  TestConnection Connect(const std::string& name) {
    return Connect(ClientContext(settings_), name);
  }

  const TestAuthority authority_{"servers"};
  ClientContext::Settings settings_;
  bssl::UniquePtr<SSL_CTX> server_;
};

TEST_F(ClientContextTest, TheNameMustBeAnAlternativeNameOfTheCertificate) {
  Serve({.name = "db.example", .alt_names = "DNS:db.example, DNS:*.shard.example"});
  for (const char* name : {"db.example", "DB.example", "one.shard.example"})
    EXPECT_TRUE(Connect(name).done) << name;
  for (const char* name : {"other.example", "a.db.example", "shard.example", "a.b.shard.example"})
    EXPECT_EQ(Connect(name).client_failure, ConnectFailure::kTlsName) << name;
}

TEST_F(ClientContextTest, NeitherCommonNamesNorPartsOfLabelsCount) {
  Serve({.name = "db.example", .alt_names = "-"});
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsName);
  Serve({.name = "x", .alt_names = "DNS:d*.example, DNS:*"});
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsName);
}

TEST_F(ClientContextTest, AddressesAreAlternativeNamesOfTheirOwnKind) {
  Serve({.name = "x", .alt_names = "IP:10.0.0.1, IP:fd00::1, DNS:10.0.0.2"});
  EXPECT_TRUE(Connect("10.0.0.1").done);
  EXPECT_TRUE(Connect("fd00::1").done);
  EXPECT_EQ(Connect("10.0.0.2").client_failure, ConnectFailure::kTlsName);
  const TestConnection connection = Connect("10.0.0.1");
  EXPECT_EQ(SSL_get_servername(connection.server.get(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(ClientContextTest, WithoutANameAnyOfATrustedAuthorityWillDo) {
  Serve({.name = "db.example"});
  EXPECT_TRUE(Connect("").done);
  Serve(TestAuthority("others").Issue({.name = "db.example"}));
  EXPECT_EQ(Connect("").client_failure, ConnectFailure::kTlsUntrusted);
}

TEST_F(ClientContextTest, AHostNameIsSentAlong) {
  Serve({.name = "db.example"});
  const TestConnection connection = Connect("db.example");
  EXPECT_STREQ(SSL_get_servername(connection.server.get(), TLSEXT_NAMETYPE_host_name),
               "db.example");
}

TEST_F(ClientContextTest, WhyACertificateIsNotBelievedIsToldApart) {
  Serve({.name = "db.example", .ends_days = -1});
  const TestConnection expired = Connect("db.example");
  EXPECT_EQ(expired.client_failure, ConnectFailure::kTlsExpired);
  EXPECT_EQ(expired.server_error, "SSLV3_ALERT_CERTIFICATE_EXPIRED");
  Serve({.name = "db.example", .starts_days = 1});
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsExpired);
  Serve(TestAuthority("others").Issue({.name = "db.example"}));
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsUntrusted);
  Serve({.name = "db.example", .for_clients = true});
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsUntrusted);
  const TestCertificate revoked = authority_.Issue({.name = "db.example"});
  const std::vector<TestCertificate> list = {revoked};
  settings_.trust = TrustIn(authority_, &list);
  Serve(revoked);
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsRevoked);
  Serve({.name = "db.example"});
  EXPECT_TRUE(Connect("db.example").done);
}

TEST_F(ClientContextTest, WhatIsNoHandshakeIsOneThatFailed) {
  Serve({.name = "db.example"});
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  settings_.only_1_3 = true;
  EXPECT_EQ(Connect("db.example").client_failure, ConnectFailure::kTlsHandshake);
}

TEST_F(ClientContextTest, WithoutVerificationEveryBackendWillDo) {
  settings_.trust = nullptr;
  Serve(TestAuthority("others").Issue({.name = "x", .ends_days = -1}));
  const TestConnection connection = Connect("db.example");
  EXPECT_TRUE(connection.done);
  EXPECT_STREQ(SSL_get_servername(connection.server.get(), TLSEXT_NAMETYPE_host_name),
               "db.example");
}

TEST_F(ClientContextTest, ACertificateIsShownToBackendsThatAsk) {
  const TestAuthority clients("clients");
  const TestCertificate own = clients.Issue({.name = "lb", .for_clients = true});
  settings_.pair = PairOf(own);
  settings_.alpn = {"h2", "http/1.1"};
  Serve({.name = "db.example"});
  TrustIn(clients)->Install(server_.get());
  SSL_CTX_set_verify(server_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  EXPECT_TRUE(Connect("db.example").done);
  settings_.pair = nullptr;
  const TestConnection refused = Connect("db.example");
  EXPECT_EQ(refused.client_failure, ConnectFailure::kTlsHandshake);
  EXPECT_EQ(refused.client_error, "TLSV1_ALERT_CERTIFICATE_REQUIRED");
}

class SessionTest : public ClientContextTest, public ::testing::WithParamInterface<uint16_t> {
 protected:
  SessionTest() {
    Serve({.name = "db.example"});
    SSL_CTX_set_min_proto_version(server_.get(), GetParam());
    SSL_CTX_set_max_proto_version(server_.get(), GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(SessionTest, TheNextConnectionToTheSameBackendAndNameGoesOn) {
  settings_.trust = TrustIn(authority_);
  const ClientContext context(settings_);
  EXPECT_FALSE(Connect(context, "db.example").resumed());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Connect(context, "db.example").resumed()) << i;
  EXPECT_FALSE(Connect(context, "db.example", "b").resumed());
  EXPECT_EQ(Connect(context, "other.example").client_failure, ConnectFailure::kTlsName);
  EXPECT_TRUE(Connect(context, "db.example").resumed());
  EXPECT_FALSE(Connect(ClientContext(settings_), "db.example").resumed());
}

TEST_P(SessionTest, ASessionEndsWithTheCertificateOfTheBackend) {
  Sessions sessions;
  const TestConnection made = Connect("db.example");
  const auto session = [&] { return bssl::UpRef(SSL_get_session(made.client.get())); };
  sessions.Put("a", session(), 100);
  EXPECT_EQ(sessions.Take("a", 100), nullptr);
  sessions.Put("a", session(), 100);
  EXPECT_NE(sessions.Take("a", 99), nullptr);
}

TEST_P(SessionTest, SessionsAreBoundedAndTheNewestAreKept) {
  Sessions sessions;
  const TestConnection made = Connect("db.example");
  const auto session = [&] { return bssl::UpRef(SSL_get_session(made.client.get())); };
  const auto count = [&](const std::string& peer) {
    // One of TLS 1.2 may be given again and again.
    if (GetParam() == TLS1_2_VERSION) return sessions.Take(peer, 0) == nullptr ? size_t{0} : 1;
    size_t taken = 0;
    while (sessions.Take(peer, 0) != nullptr) ++taken;
    return taken;
  };
  for (size_t i = 0; i < 2 * Sessions::kMaxPerPeer; ++i) sessions.Put("a", session(), 1);
  EXPECT_EQ(count("a"), GetParam() == TLS1_3_VERSION ? Sessions::kMaxPerPeer : 1u);
  for (size_t i = 0; i < 2 * Sessions::kMaxSessions; ++i)
    sessions.Put(std::to_string(i), session(), 1);
  EXPECT_EQ(count("0"), 0u);
  EXPECT_EQ(count(std::to_string(Sessions::kMaxSessions - 1)), 0u);
  EXPECT_EQ(count(std::to_string(Sessions::kMaxSessions)), 1u);
  EXPECT_EQ(count(std::to_string(2 * Sessions::kMaxSessions - 1)), 1u);
}

// A connection that outlives its context may still be given a session.
TEST_P(SessionTest, ConnectionsOutliveTheirContext) {
  bssl::UniquePtr<SSL> client;
  {
    const ClientContext context(settings_);
    client = context.NewSsl("a", "db.example");
  }
  EXPECT_TRUE(Handshake(std::move(client), NewServer(server_.get())).done);
}

}  // namespace
}  // namespace lb::dataplane::tls
