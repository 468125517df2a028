// Handshakes in memory between the worker's own ends and plain BoringSSL ones: which certificate is
// shown, whose is taken, what a ticket is worth.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "dataplane/tls/client_context.h"
#include "dataplane/tls/peer_identity.h"
#include "dataplane/tls/server_context.h"
#include "dataplane/tls/test_certificates.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {
namespace {

std::shared_ptr<const Pair> PairOf(const TestCertificate& from,
                                   const std::vector<std::string>& names) {
  lb::type::v1::CertificatePair pair;
  pair.add_chain_der(from.der);
  pair.set_key_der(from.key_der);
  for (const std::string& name : names) pair.add_names(name);
  return ParsePair(pair).value();
}

std::shared_ptr<const Trust> TrustOf(const TestAuthority& authority) {
  lb::type::v1::TrustBundle bundle;
  bundle.add_certificates_der(authority.der());
  return Trust::Make(bundle, nullptr).value();
}

// Two ends that hand each other their bytes.
struct Ends {
  bssl::UniquePtr<SSL> client;
  bssl::UniquePtr<SSL> server;
  bool done = false;
  HandshakeFailure server_failure = HandshakeFailure::kCount;
  ConnectFailure client_failure = ConnectFailure::kCount;
};

Ends Shake(bssl::UniquePtr<SSL> client, bssl::UniquePtr<SSL> server) {
  Ends ends{std::move(client), std::move(server)};
  BIO* one = nullptr;
  BIO* other = nullptr;
  LB_CHECK(BIO_new_bio_pair(&one, 0, &other, 0) == 1);
  SSL_set_bio(ends.client.get(), one, one);
  SSL_set_bio(ends.server.get(), other, other);
  constexpr int kFlights = 6;
  for (int i = 0; i < kFlights; ++i) {
    ERR_clear_error();
    const int c = SSL_do_handshake(ends.client.get());
    if (c != 1 && SSL_get_error(ends.client.get(), c) == SSL_ERROR_SSL) {
      ends.client_failure = ClassifyBackendFailure(*ends.client);
      return ends;
    }
    ERR_clear_error();
    const int s = SSL_do_handshake(ends.server.get());
    if (s != 1 && SSL_get_error(ends.server.get(), s) == SSL_ERROR_SSL) {
      ends.server_failure = ClassifyHandshakeFailure(*ends.server);
      return ends;
    }
    if (c == 1 && s == 1) ends.done = true;
  }
  if (!ends.done) return ends;
  // Tickets of TLS 1.3 go out with the first bytes.
  char byte = 0;
  LB_CHECK(SSL_write(ends.server.get(), &byte, 1) == 1 &&
           SSL_read(ends.client.get(), &byte, 1) == 1);
  return ends;
}

int KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* const kept = static_cast<bssl::UniquePtr<SSL_SESSION>*>(SSL_get_app_data(ssl));
  if (kept == nullptr) return 0;
  kept->reset(session);
  return 1;
}

class ContextsTest : public ::testing::Test {
 protected:
  ContextsTest() {
    SSL_CTX_set_session_cache_mode(client_context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(client_context_.get(), KeepSession);
  }

  ServerContext::Settings Settings() {
    ServerContext::Settings settings;
    settings.rule = "web";
    settings.certificates = std::make_shared<const Certificates>(
        std::vector<std::shared_ptr<const Pair>>{first_, wild_, second_});
    return settings;
  }

  bssl::UniquePtr<SSL> Client(const std::string& name, SSL_SESSION* session = nullptr) {
    bssl::UniquePtr<SSL> ssl(SSL_new(client_context_.get()));
    SSL_set_connect_state(ssl.get());
    if (!name.empty()) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    if (session != nullptr) SSL_set_session(ssl.get(), session);
    return ssl;
  }

  // The name of the certificate that a client is shown which asks for `name`.
  std::string Shown(const ServerContext& context, const std::string& name) {
    const Ends ends = Shake(Client(name), context.NewSsl());
    return ends.done ? PeerIdentity(ends.client.get()) : "";
  }

  // A client with a certificate of its own.
  bssl::UniquePtr<SSL> ClientWith(const Pair& pair, SSL_SESSION* session = nullptr) {
    bssl::UniquePtr<SSL> ssl = Client("a.example", session);
    LB_CHECK(ShowPair(pair, ssl.get()));
    return ssl;
  }

  bssl::UniquePtr<SSL_SESSION> SessionOf(bssl::UniquePtr<SSL> client,
                                         const ServerContext& context) {
    bssl::UniquePtr<SSL_SESSION> kept;
    SSL_set_app_data(client.get(), &kept);
    const Ends ends = Shake(std::move(client), context.NewSsl());
    LB_CHECK(ends.done);
    SSL_set_app_data(ends.client.get(), nullptr);
    return kept;
  }

  bool Resumes(bssl::UniquePtr<SSL> client, const ServerContext& context) {
    const Ends ends = Shake(std::move(client), context.NewSsl());
    return ends.done && SSL_session_reused(ends.server.get()) == 1;
  }

  const TestAuthority authority_{"ca"};
  const TestAuthority stranger_{"stranger"};
  const std::shared_ptr<const Pair> first_ =
      PairOf(authority_.Issue({.name = "a.example"}), {"a.example"});
  const std::shared_ptr<const Pair> wild_ =
      PairOf(authority_.Issue({.name = "wild.example"}), {"*.b.example"});
  const std::shared_ptr<const Pair> second_ =
      PairOf(authority_.Issue({.name = "x.b.example"}), {"x.b.example"});
  const std::shared_ptr<TicketKeys> keys_ = std::make_shared<TicketKeys>();
  const bssl::UniquePtr<SSL_CTX> client_context_ = ClientContextOf(nullptr);
};

TEST_F(ContextsTest, AnExactNameGoesBeforeAWildcardAndThatBeforeTheDefault) {
  const ServerContext context(Settings(), keys_);
  EXPECT_EQ(Shown(context, "x.b.example"), "x.b.example");
  EXPECT_EQ(Shown(context, "X.B.EXAMPLE"), "x.b.example");
  EXPECT_EQ(Shown(context, "y.b.example"), "wild.example");
  EXPECT_EQ(Shown(context, "z.y.b.example"), "a.example");
  EXPECT_EQ(Shown(context, "b.example"), "a.example");
  EXPECT_EQ(Shown(context, ""), "a.example");
}

TEST_F(ContextsTest, StrictSniRefusesNamesWithoutACertificate) {
  ServerContext::Settings settings = Settings();
  settings.strict_sni = true;
  const ServerContext context(std::move(settings), keys_);
  EXPECT_EQ(Shown(context, "y.b.example"), "wild.example");
  EXPECT_EQ(Shake(Client("other.example"), context.NewSsl()).server_failure,
            HandshakeFailure::kUnknownName);
  EXPECT_EQ(Shake(Client(""), context.NewSsl()).server_failure, HandshakeFailure::kUnknownName);
}

TEST_F(ContextsTest, TheBestProtocolOfOursIsSpokenAndNoneInCommonIsRefused) {
  ServerContext::Settings settings = Settings();
  settings.alpn = {"h2", "http/1.1"};
  const ServerContext context(std::move(settings), keys_);
  const auto spoken = [&](const std::string& offered) {
    bssl::UniquePtr<SSL> client = Client("a.example");
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const uint8_t*>(offered.data()),
                        static_cast<unsigned>(offered.size()));
    const Ends ends = Shake(std::move(client), context.NewSsl());
    const uint8_t* data = nullptr;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(ends.client.get(), &data, &bytes);
    return ends.done ? std::string(reinterpret_cast<const char*>(data), bytes) : "refused";
  };
  EXPECT_EQ(spoken("\x08http/1.1\x02h2"), "h2");
  EXPECT_EQ(spoken("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(spoken("\x03"
                   "ftp"),
            "refused");
  EXPECT_EQ(Shown(context, "a.example"), "a.example") << "without ALPN";
}

TEST_F(ContextsTest, OldVersionsAreRefused) {
  ServerContext::Settings settings = Settings();
  const ServerContext context(settings, keys_);
  settings.only_1_3 = true;
  const ServerContext newest(std::move(settings), keys_);
  const auto failure = [&](const ServerContext& server, uint16_t version) {
    bssl::UniquePtr<SSL> client = Client("a.example");
    SSL_set_min_proto_version(client.get(), TLS1_VERSION);
    SSL_set_max_proto_version(client.get(), version);
    return Shake(std::move(client), server.NewSsl()).server_failure;
  };
  EXPECT_EQ(failure(context, TLS1_1_VERSION), HandshakeFailure::kUnsupportedVersion);
  EXPECT_EQ(failure(context, TLS1_2_VERSION), HandshakeFailure::kCount);
  EXPECT_EQ(failure(newest, TLS1_2_VERSION), HandshakeFailure::kUnsupportedVersion);
}

TEST_F(ContextsTest, ClientsShowCertificatesOfTheRightAuthority) {
  ServerContext::Settings settings = Settings();
  settings.trust = TrustOf(authority_);
  settings.requires_certificate = true;
  const ServerContext context(std::move(settings), keys_);
  const auto good = PairOf(authority_.Issue({.name = "ann", .for_clients = true}), {});
  const Ends ends = Shake(ClientWith(*good), context.NewSsl());
  ASSERT_TRUE(ends.done);
  EXPECT_EQ(PeerIdentity(ends.server.get()), "ann");
  EXPECT_EQ(Shake(Client("a.example"), context.NewSsl()).server_failure,
            HandshakeFailure::kNoClientCert);
  for (const TestCertificate& bad :
       {stranger_.Issue({.name = "ann", .for_clients = true}),
        authority_.Issue({.name = "ann", .for_clients = false}),
        authority_.Issue({.name = "ann", .starts_days = -9, .ends_days = -1, .for_clients = true})})
    EXPECT_EQ(Shake(ClientWith(*PairOf(bad, {})), context.NewSsl()).server_failure,
              HandshakeFailure::kBadClientCert);
}

TEST_F(ContextsTest, AnotherWorkerWithTheSameKeysResumesTheSession) {
  const std::vector<std::pair<std::string, std::string>> keys = {
      {std::string(16, 'n'), std::string(32, 's')}};
  const auto there = std::make_shared<TicketKeys>();
  const auto strange = std::make_shared<TicketKeys>();
  ASSERT_TRUE(keys_->Set(keys).ok());
  ASSERT_TRUE(there->Set(keys).ok());
  const ServerContext here(Settings(), keys_);
  const auto session = SessionOf(Client("a.example"), here);
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(Resumes(Client("a.example", session.get()), ServerContext(Settings(), there)));
  EXPECT_FALSE(Resumes(Client("a.example", session.get()), ServerContext(Settings(), strange)));
}

TEST_F(ContextsTest, ATicketIsBoundToItsRule) {
  const ServerContext context(Settings(), keys_);
  const auto session = SessionOf(Client("a.example"), context);
  ServerContext::Settings other = Settings();
  other.rule = "other";
  EXPECT_FALSE(Resumes(Client("a.example", session.get()), ServerContext(std::move(other), keys_)));
}

TEST_F(ContextsTest, OldKeysOpenForAsLongAsTheyAreThere) {
  const std::pair<std::string, std::string> old{std::string(16, '1'), std::string(32, '1')};
  const std::pair<std::string, std::string> newer{std::string(16, '2'), std::string(32, '2')};
  const std::pair<std::string, std::string> newest{std::string(16, '3'), std::string(32, '3')};
  ASSERT_TRUE(keys_->Set({old}).ok());
  const ServerContext context(Settings(), keys_);
  const auto session = SessionOf(Client("a.example"), context);
  ASSERT_TRUE(keys_->Set({newer, old}).ok());
  EXPECT_TRUE(Resumes(Client("a.example", session.get()), context));
  ASSERT_TRUE(keys_->Set({newest, newer}).ok());
  EXPECT_FALSE(Resumes(Client("a.example", session.get()), context));
}

TEST_F(ContextsTest, KeysThatALostControlPlaneGaveStillOpen) {
  ASSERT_TRUE(keys_->Set({{std::string(16, '1'), std::string(32, '1')}}).ok());
  const ServerContext context(Settings(), keys_);
  const auto session = SessionOf(Client("a.example"), context);
  ASSERT_TRUE(keys_->Set({{std::string(16, '2'), std::string(32, '2')}}).ok());
  EXPECT_TRUE(Resumes(Client("a.example", session.get()), context));
  EXPECT_FALSE(keys_->Set({}).ok());
  EXPECT_FALSE(keys_->Set({{"short", std::string(32, '2')}}).ok());
  EXPECT_TRUE(Resumes(Client("a.example", session.get()), context));
}

TEST_F(ContextsTest, AnotherAuthorityOfClientsEndsTheirTickets) {
  const auto ann = PairOf(authority_.Issue({.name = "ann", .for_clients = true}), {});
  ServerContext::Settings settings = Settings();
  settings.trust = TrustOf(authority_);
  settings.trust_id = "one";
  const ServerContext context(settings, keys_);
  const auto session = SessionOf(ClientWith(*ann), context);
  EXPECT_TRUE(Resumes(ClientWith(*ann, session.get()), context));
  settings.trust_id = "two";
  EXPECT_FALSE(Resumes(ClientWith(*ann, session.get()), ServerContext(std::move(settings), keys_)));
}

TEST_F(ContextsTest, BackendsAreVerifiedByTheirAlternativeNames) {
  ClientContext::Settings settings;
  settings.trust = TrustOf(authority_);
  const ClientContext context(std::move(settings));
  const auto failure = [&](const TestCertificate& certificate, const std::string& name) {
    const bssl::UniquePtr<SSL_CTX> backend = ServerContextOf(certificate);
    bssl::UniquePtr<SSL> server(SSL_new(backend.get()));
    SSL_set_accept_state(server.get());
    return Shake(context.NewSsl("b", name), std::move(server)).client_failure;
  };
  const TestCertificate good = authority_.Issue({.name = "web.internal"});
  EXPECT_EQ(failure(good, "web.internal"), ConnectFailure::kCount);
  EXPECT_EQ(failure(good, ""), ConnectFailure::kCount);
  EXPECT_EQ(failure(good, "other.internal"), ConnectFailure::kTlsName);
  EXPECT_EQ(failure(good, "10.0.0.1"), ConnectFailure::kTlsName);
  EXPECT_EQ(failure(stranger_.Issue({.name = "web.internal"}), "web.internal"),
            ConnectFailure::kTlsUntrusted);
  EXPECT_EQ(failure(authority_.Issue({.name = "web.internal", .starts_days = -9, .ends_days = -1}),
                    "web.internal"),
            ConnectFailure::kTlsExpired);
  EXPECT_EQ(
      failure(authority_.Issue({.name = "web.internal", .for_clients = true}), "web.internal"),
      ConnectFailure::kTlsUntrusted)
      << "it is not for servers";
}

TEST_F(ContextsTest, ASessionOfABackendIsForItsNameOnly) {
  const ClientContext context(ClientContext::Settings{});
  const bssl::UniquePtr<SSL_CTX> backend =
      ServerContextOf(authority_.Issue({.name = "web.internal"}));
  SSL_CTX_set_session_id_context(backend.get(), reinterpret_cast<const uint8_t*>("b"), 1);
  const auto resumes = [&](const std::string& name, const std::string& server_name) {
    bssl::UniquePtr<SSL> server(SSL_new(backend.get()));
    SSL_set_accept_state(server.get());
    const Ends ends = Shake(context.NewSsl(name, server_name), std::move(server));
    return ends.done && SSL_session_reused(ends.client.get()) == 1;
  };
  EXPECT_FALSE(resumes("b1", "one.example"));
  EXPECT_FALSE(resumes("b1", "two.example"));
  EXPECT_FALSE(resumes("b2", "one.example"));
  EXPECT_TRUE(resumes("b1", "one.example"));
}

TEST(ParsePairTest, AKeyOfAnotherCertificateIsRefused) {
  const TestAuthority authority("ca");
  const TestCertificate one = authority.Issue({.name = "one"});
  const TestCertificate other = authority.Issue({.name = "other"});
  lb::type::v1::CertificatePair pair;
  EXPECT_FALSE(ParsePair(pair).ok());
  pair.add_chain_der(one.der);
  pair.set_key_der(other.key_der);
  EXPECT_EQ(ParsePair(pair).status().message(), "the key is not that of the certificate");
  pair.set_key_der("no key");
  EXPECT_EQ(ParsePair(pair).status().message(), "the key is no PKCS8 key");
  pair.set_key_der(one.key_der);
  EXPECT_TRUE(ParsePair(pair).ok());
  pair.add_chain_der("no certificate");
  EXPECT_EQ(ParsePair(pair).status().message(), "certificate 2 of the chain is none");
}

}  // namespace
}  // namespace lb::dataplane::tls
