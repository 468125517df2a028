// What clients of every kind meet at a rule that ends TLS, in memory.
#include "dataplane/tls/server_context.h"

#include <string>
#include <utility>
#include <vector>

#include "base/test_chain.h"
#include "base/tls_trust.h"
#include "dataplane/tls/test_handshake.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {
namespace {

class ServerContextTest : public ::testing::Test {
 protected:
  ServerContextTest() {
    settings_.rule = "web";
    Serve({PairOf(web_, {"web.example", "*.web.example"})});
  }

  void Serve(std::vector<std::shared_ptr<const Pair>> pairs) {
    settings_.certificates = std::make_shared<const Certificates>(std::move(pairs));
  }
  void AskClients(const std::vector<TestCertificate>* revoked = nullptr) {
    settings_.trust = TrustIn(clients_, revoked);
    settings_.trust_id = revoked == nullptr ? "clients" : "clients less some";
    settings_.requires_certificate = true;
  }

  TestConnection Connect(const std::string& name = "web.example", SSL_SESSION* session = nullptr) {
    const ServerContext context(settings_, keys_);
    return Handshake(NewClient(client_.get(), name, session), context.NewSsl());
  }
  void OnlyVersion(uint16_t version) {
    SSL_CTX_set_min_proto_version(client_.get(), version);
    SSL_CTX_set_max_proto_version(client_.get(), version);
  }

  const TestAuthority authority_{"servers"};
  const TestAuthority clients_{"clients"};
  const TestCertificate web_ = authority_.Issue({.name = "web.example"});
  const std::shared_ptr<TicketKeys> keys_ = std::make_shared<TicketKeys>();
  ServerContext::Settings settings_;
  bssl::UniquePtr<SSL_CTX> client_ = ClientContextOf(nullptr);
};

TEST_F(ServerContextTest, SpeaksTls13AndTls12WithAeadSuitesOnly) {
  for (const uint16_t version : std::vector<uint16_t>{TLS1_2_VERSION, TLS1_3_VERSION}) {
    OnlyVersion(version);
    const TestConnection connection = Connect();
    ASSERT_TRUE(connection.done) << connection.server_error;
    EXPECT_EQ(SSL_version(connection.client.get()), version);
    EXPECT_TRUE(SSL_CIPHER_is_aead(SSL_get_current_cipher(connection.client.get())));
  }
  OnlyVersion(TLS1_2_VERSION);
  ASSERT_EQ(SSL_CTX_set_cipher_list(client_.get(), "ECDHE-ECDSA-AES128-SHA:AES128-SHA"), 1);
  EXPECT_EQ(Connect().server_failure, HandshakeFailure::kNoSharedCipher);
}

TEST_F(ServerContextTest, TheOrderOfSuitesIsTheWorkers) {
  OnlyVersion(TLS1_2_VERSION);
  ASSERT_EQ(SSL_CTX_set_cipher_list(client_.get(),
                                    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:"
                                    "ECDHE-ECDSA-AES128-GCM-SHA256"),
            1);
  const TestConnection connection = Connect();
  EXPECT_STREQ(SSL_CIPHER_standard_name(SSL_get_current_cipher(connection.client.get())),
               "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

TEST_F(ServerContextTest, OldVersionsAreRefused) {
  OnlyVersion(TLS1_1_VERSION);
  const TestConnection old = Connect();
  EXPECT_EQ(old.server_failure, HandshakeFailure::kUnsupportedVersion);
  EXPECT_EQ(old.client_error, "TLSV1_ALERT_PROTOCOL_VERSION");
  settings_.only_1_3 = true;
  OnlyVersion(TLS1_2_VERSION);
  EXPECT_EQ(Connect().server_failure, HandshakeFailure::kUnsupportedVersion);
  OnlyVersion(TLS1_3_VERSION);
  EXPECT_TRUE(Connect().done);
}

TEST_F(ServerContextTest, ACertificateIsChosenByNameThenWildcardElseTheDefault) {
  const TestCertificate shop = authority_.Issue({.name = "shop.example"});
  const TestCertificate pay = authority_.Issue({.name = "pay.shop.example"});
  Serve({PairOf(web_, {"web.example"}), PairOf(shop, {"shop.example", "*.shop.example"}),
         PairOf(pay, {"pay.shop.example"})});
  EXPECT_TRUE(Connect("pay.shop.example").shown_by_server() == pay.CertDer());
  for (const char* name : {"shop.example", "SHOP.example", "a.shop.example"})
    EXPECT_TRUE(Connect(name).shown_by_server() == shop.CertDer()) << name;
  for (const char* name : {"web.example", "other.example", "a.b.shop.example", "example", ""})
    EXPECT_TRUE(Connect(name).shown_by_server() == web_.CertDer()) << name;
}

TEST_F(ServerContextTest, StrictSniRefusesOtherNamesAndNone) {
  settings_.strict_sni = true;
  EXPECT_TRUE(Connect("web.example").done);
  EXPECT_TRUE(Connect("a.web.example").done);
  for (const char* name : {"other.example", "a.b.web.example", ""}) {
    const TestConnection refused = Connect(name);
    EXPECT_EQ(refused.server_failure, HandshakeFailure::kUnknownName) << name;
    EXPECT_EQ(refused.client_error, "TLSV1_ALERT_UNRECOGNIZED_NAME") << name;
  }
}

// Goal: of two certificates of one name each client gets one that it can check, also as default.
TEST_F(ServerContextTest, ClientsGetTheKindOfKeyThatTheyCanCheck) {
  const TestCertificate rsa = authority_.Issue({.name = "web.example", .rsa = true});
  Serve({PairOf(rsa, {"web.example"}), PairOf(web_, {"web.example"})});
  for (const char* name : {"web.example", "other.example"}) {
    EXPECT_TRUE(Connect(name).shown_by_server() == web_.CertDer()) << name;
    OnlyVersion(TLS1_2_VERSION);
    EXPECT_TRUE(Connect(name).shown_by_server() == web_.CertDer()) << name;
    bssl::UniquePtr<SSL_CTX> only_rsa = ClientContextOf(nullptr);
    const std::vector<uint16_t> schemes = {SSL_SIGN_RSA_PSS_RSAE_SHA256};
    ASSERT_EQ(SSL_CTX_set_verify_algorithm_prefs(only_rsa.get(), schemes.data(), schemes.size()),
              1);
    client_ = std::move(only_rsa);
    EXPECT_TRUE(Connect(name).shown_by_server() == rsa.CertDer()) << name;
    OnlyVersion(TLS1_2_VERSION);
    EXPECT_TRUE(Connect(name).shown_by_server() == rsa.CertDer()) << name;
    // Knows the signatures of both kinds, but no suite with ECDSA.
    client_ = ClientContextOf(nullptr);
    OnlyVersion(TLS1_2_VERSION);
    ASSERT_EQ(SSL_CTX_set_strict_cipher_list(client_.get(), "ECDHE-RSA-AES128-GCM-SHA256"), 1);
    EXPECT_TRUE(Connect(name).shown_by_server() == rsa.CertDer()) << name;
    client_ = ClientContextOf(nullptr);
  }
}

TEST_F(ServerContextTest, TheBestProtocolOfOursThatTheClientKnowsIsChosen) {
  settings_.alpn = {"h2", "http/1.1"};
  const std::string both = "\x08http/1.1\x02h2";
  const auto offer = [&](const std::string& wire) {
    SSL_CTX_set_alpn_protos(client_.get(), reinterpret_cast<const uint8_t*>(wire.data()),
                            static_cast<unsigned>(wire.size()));
    return Connect();
  };
  EXPECT_EQ(offer(both).alpn(), "h2");
  EXPECT_EQ(offer("\x08http/1.1").alpn(), "http/1.1");
  const TestConnection none = offer(
      "\x03"
      "foo");
  EXPECT_EQ(none.server_failure, HandshakeFailure::kNoSharedCipher);
  EXPECT_EQ(none.client_error, "TLSV1_ALERT_NO_APPLICATION_PROTOCOL");
  const TestConnection without = offer("");
  EXPECT_TRUE(without.done);
  EXPECT_EQ(without.alpn(), "");
}

TEST_F(ServerContextTest, ARequiredCertificateMustBeShownAndGood) {
  AskClients();
  const TestConnection none = Connect();
  EXPECT_EQ(none.server_failure, HandshakeFailure::kNoClientCert);
  EXPECT_EQ(none.client_error, "TLSV1_ALERT_CERTIFICATE_REQUIRED");
  const auto with = [&](const TestAuthority& authority, const TestAuthority::Leaf& leaf) {
    client_ = ClientContextOf(nullptr);
    ShowCertificate(client_.get(), authority.Issue(leaf));
    return Connect();
  };
  EXPECT_TRUE(with(clients_, {.name = "a", .for_clients = true}).done);
  EXPECT_EQ(with(authority_, {.name = "a", .for_clients = true}).server_failure,
            HandshakeFailure::kBadClientCert);  // Of an authority that is not trusted.
  EXPECT_EQ(with(clients_, {.name = "a", .ends_days = -1, .for_clients = true}).server_failure,
            HandshakeFailure::kBadClientCert);
  EXPECT_EQ(with(clients_, {.name = "a", .starts_days = 1, .for_clients = true}).server_failure,
            HandshakeFailure::kBadClientCert);
  EXPECT_EQ(with(clients_, {.name = "a", .for_clients = false}).server_failure,
            HandshakeFailure::kBadClientCert);  // A server's.
}

TEST_F(ServerContextTest, ACertificateThatIsAskedForNeedNotBeShownButMustBeGood) {
  AskClients();
  settings_.requires_certificate = false;
  EXPECT_TRUE(Connect().done);
  ShowCertificate(client_.get(), authority_.Issue({.name = "a", .for_clients = true}));
  EXPECT_EQ(Connect().server_failure, HandshakeFailure::kBadClientCert);
}

TEST_F(ServerContextTest, ARevokedClientIsRefusedAndAnotherIsNot) {
  const TestCertificate revoked = clients_.Issue({.name = "a", .for_clients = true});
  const std::vector<TestCertificate> list = {revoked};
  AskClients(&list);
  ShowCertificate(client_.get(), revoked);
  const TestConnection refused = Connect();
  EXPECT_EQ(refused.server_failure, HandshakeFailure::kBadClientCert);
  EXPECT_EQ(refused.client_error, "SSLV3_ALERT_CERTIFICATE_REVOKED");
  client_ = ClientContextOf(nullptr);
  ShowCertificate(client_.get(), clients_.Issue({.name = "b", .for_clients = true}));
  EXPECT_TRUE(Connect().done);
}

TEST_F(ServerContextTest, AClientBelowARevokedIntermediateIsRefused) {
  using Revoked = TestChain::Revoked;
  const TestChain chain;
  ShowCertificate(client_.get(), chain.leaf());
  SSL_CTX_add1_chain_cert(client_.get(), ParseCertificate(chain.intermediate()).get());
  const std::string list = chain.IntermediateList(Revoked::kNothing);
  const auto with = [&](const std::string& authority, const std::vector<std::string>& lists) {
    lb::type::v1::TrustBundle bundle;
    lb::type::v1::RevocationList revoked;
    bundle.add_certificates_der(authority);
    for (const std::string& der : lists) revoked.add_crls_der(der);
    settings_.trust = Trust::Make(bundle, &revoked).value();
    settings_.requires_certificate = true;
    return Connect();
  };
  EXPECT_TRUE(with(chain.root(), {list, chain.RootList(Revoked::kNothing)}).done);
  const TestConnection refused = with(chain.root(), {list, chain.RootList(Revoked::kWhatItSigned)});
  EXPECT_EQ(refused.server_failure, HandshakeFailure::kBadClientCert);
  EXPECT_EQ(refused.client_error, "SSLV3_ALERT_CERTIFICATE_REVOKED");
  EXPECT_FALSE(with(chain.root(), {list}).done);
  EXPECT_TRUE(with(chain.intermediate(), {list}).done);
}

TEST_F(ServerContextTest, AResponseOfTheAuthorityIsStapledUntilItGetsOld) {
  for (const bool is_old : {false, true}) {
    Pair pair;
    const std::shared_ptr<const Pair> parsed = PairOf(web_);
    pair.chain.push_back(bssl::UpRef(parsed->chain[0]));
    pair.key = bssl::UpRef(parsed->key);
    pair.ecdsa_scheme = parsed->ecdsa_scheme;
    pair.ocsp_response = "a response";
    pair.ocsp_next_update_s = is_old ? 1'700'000'000 : INT64_MAX;
    Serve({std::make_shared<const Pair>(std::move(pair))});
    bssl::UniquePtr<SSL> client = NewClient(client_.get());
    SSL_enable_ocsp_stapling(client.get());
    const ServerContext context(settings_, keys_);
    const TestConnection connection = Handshake(std::move(client), context.NewSsl());
    ASSERT_TRUE(connection.done);
    const uint8_t* response = nullptr;
    size_t bytes = 0;
    SSL_get0_ocsp_response(connection.client.get(), &response, &bytes);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(response), bytes),
              is_old ? "" : "a response");
  }
}

TEST_F(ServerContextTest, WhatIsNoTlsIsToldFromBadTls) {
  const ServerContext context(settings_, keys_);
  const auto fails_with = [&](const std::string& bytes) {
    bssl::UniquePtr<SSL> server = context.NewSsl();
    BIO* const in = BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()));
    SSL_set_bio(server.get(), in, BIO_new(BIO_s_mem()));
    EXPECT_LE(SSL_do_handshake(server.get()), 0);
    return ClassifyHandshakeFailure();
  };
  EXPECT_EQ(fails_with("GET / HTTP/1.1\r\nHost: web.example\r\n\r\n"), HandshakeFailure::kNotTls);
  EXPECT_EQ(fails_with("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), HandshakeFailure::kNotTls);
  EXPECT_EQ(fails_with(std::string("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", 11)),
            HandshakeFailure::kProtocol);
}

TEST_F(ServerContextTest, AClientThatRefusesTheCertificateIsCountedAsThat) {
  const TestAuthority others("others");
  client_ = ClientContextOf(&others);
  for (const uint16_t version : std::vector<uint16_t>{TLS1_2_VERSION, TLS1_3_VERSION}) {
    OnlyVersion(version);
    const TestConnection refused = Connect();
    EXPECT_EQ(refused.server_failure, HandshakeFailure::kClientAlert);
    EXPECT_EQ(refused.server_error, "TLSV1_ALERT_UNKNOWN_CA");
  }
}

TEST_F(ServerContextTest, EarlyDataIsNotOffered) {
  SSL_CTX_set_early_data_enabled(client_.get(), 1);
  const NewestSession session(client_.get());
  ASSERT_TRUE(Connect().done);
  ASSERT_NE(session.get(), nullptr);
  EXPECT_EQ(SSL_SESSION_early_data_capable(session.get()), 0);
}

// A context that connections still use may go before them.
TEST_F(ServerContextTest, ConnectionsOutliveTheirContext) {
  bssl::UniquePtr<SSL> server;
  {
    const ServerContext context(settings_, keys_);
    server = context.NewSsl();
  }
  settings_.certificates.reset();
  EXPECT_TRUE(Handshake(NewClient(client_.get(), "web.example"), std::move(server)).done);
}

}  // namespace
}  // namespace lb::dataplane::tls
