// Which sessions go on with which keys, rules and certificates.
#include "dataplane/tls/ticket_keys.h"

#include <string>
#include <vector>

#include "dataplane/tls/server_context.h"
#include "dataplane/tls/test_handshake.h"
#include "gtest/gtest.h"

namespace lb::dataplane::tls {
namespace {

using Told = std::vector<std::pair<std::string, std::string>>;

std::pair<std::string, std::string> Key(char name) {
  return {std::string(TicketKey::kNameBytes, name), std::string(TicketKey::kSecretBytes, name)};
}

class TicketKeysTest : public ::testing::TestWithParam<uint16_t> {
 protected:
  TicketKeysTest() {
    settings_.rule = "web";
    settings_.certificates = std::make_shared<const Certificates>(
        std::vector<std::shared_ptr<const Pair>>{PairOf(authority_.Issue({.name = "a"}))});
    SSL_CTX_set_min_proto_version(client_.get(), GetParam());
    SSL_CTX_set_max_proto_version(client_.get(), GetParam());
  }

  // Connects to a worker with these keys, with the newest session where there is one.
  TestConnection Connect(const std::shared_ptr<const TicketKeys>& keys) {
    const ServerContext context(settings_, keys);
    TestConnection made = Handshake(NewClient(client_.get(), "", session_.get()), context.NewSsl());
    EXPECT_TRUE(made.done) << made.server_error;
    return made;
  }

  const TestAuthority authority_{"servers"};
  const TestAuthority clients_{"clients"};
  ServerContext::Settings settings_;
  const bssl::UniquePtr<SSL_CTX> client_ = ClientContextOf(nullptr);
  const NewestSession session_{client_.get()};
  const std::shared_ptr<TicketKeys> keys_ = std::make_shared<TicketKeys>();
};

INSTANTIATE_TEST_SUITE_P(Versions, TicketKeysTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TicketKeysTest, AWorkerAloneResumesAndAnotherOneDoesNot) {
  EXPECT_FALSE(Connect(keys_).resumed());
  EXPECT_TRUE(Connect(keys_).resumed());
  EXPECT_FALSE(Connect(std::make_shared<TicketKeys>()).resumed());
}

TEST_P(TicketKeysTest, WorkersWithTheSameKeysResumeEachOthersSessions) {
  const auto other = std::make_shared<TicketKeys>();
  ASSERT_TRUE(keys_->Set({Key('a')}).ok());
  ASSERT_TRUE(other->Set({Key('b'), Key('a')}).ok());
  Connect(keys_);
  EXPECT_TRUE(Connect(other).resumed());
}

// Goal: keys that seal no more still open, and one that is gone opens nothing.
TEST_P(TicketKeysTest, NoTicketPromisesMoreThanADay) {
  Connect(keys_);
  const uint32_t lifetime_s = GetParam() == TLS1_3_VERSION
                                  ? SSL_SESSION_get_timeout(session_.get())
                                  : SSL_SESSION_get_ticket_lifetime_hint(session_.get());
  EXPECT_GT(lifetime_s, 8u * 60 * 60);
  EXPECT_LT(lifetime_s, 24u * 60 * 60);
}

TEST_P(TicketKeysTest, KeysAreReplacedWithoutLosingSessions) {
  ASSERT_TRUE(keys_->Set({Key('a')}).ok());
  Connect(keys_);
  ASSERT_TRUE(keys_->Set({Key('b'), Key('a')}).ok());
  EXPECT_TRUE(Connect(keys_).resumed());
  ASSERT_TRUE(keys_->Set({Key('c'), Key('b'), Key('a')}).ok());
  EXPECT_TRUE(Connect(keys_).resumed());
  const auto without = std::make_shared<TicketKeys>();
  ASSERT_TRUE(without->Set({Key('d'), Key('b')}).ok());
  EXPECT_FALSE(Connect(without).resumed());
}

TEST_P(TicketKeysTest, WhatAnOldKeyOpenedIsSealedWithTheNewestInTls13) {
  if (GetParam() != TLS1_3_VERSION) return;
  ASSERT_TRUE(keys_->Set({Key('a')}).ok());
  Connect(keys_);
  ASSERT_TRUE(keys_->Set({Key('b'), Key('a')}).ok());
  EXPECT_TRUE(Connect(keys_).resumed());
  const auto newest = std::make_shared<TicketKeys>();
  ASSERT_TRUE(newest->Set({Key('b')}).ok());
  EXPECT_TRUE(Connect(newest).resumed());
}

TEST_P(TicketKeysTest, TheKeyBeforeOpensWhenTheControlPlaneHasLostIt) {
  ASSERT_TRUE(keys_->Set({Key('a')}).ok());
  Connect(keys_);
  ASSERT_TRUE(keys_->Set({Key('x')}).ok());
  EXPECT_TRUE(Connect(keys_).resumed());
}

TEST_P(TicketKeysTest, ASessionOfOneRuleIsWorthNothingAtAnother) {
  Connect(keys_);
  settings_.rule = "admin";
  EXPECT_FALSE(Connect(keys_).resumed());
}

// One who was let in without a certificate, or with one of other authorities, must show one.
TEST_P(TicketKeysTest, ASessionIsWorthNothingWhereOtherCertificatesAreTaken) {
  ShowCertificate(client_.get(), clients_.Issue({.name = "a", .for_clients = true}));
  Connect(keys_);
  settings_.trust = TrustIn(clients_);
  settings_.trust_id = "clients";
  EXPECT_FALSE(Connect(keys_).resumed());
  EXPECT_TRUE(Connect(keys_).resumed());
  settings_.requires_certificate = true;
  EXPECT_FALSE(Connect(keys_).resumed());
  settings_.trust_id = "clients and a revocation list";
  EXPECT_FALSE(Connect(keys_).resumed());
}

TEST_P(TicketKeysTest, AResumedSessionStillSaysWhoTheClientIs) {
  const TestCertificate certificate = clients_.Issue({.name = "a", .for_clients = true});
  ShowCertificate(client_.get(), certificate);
  settings_.trust = TrustIn(clients_);
  settings_.requires_certificate = true;
  Connect(keys_);
  const TestConnection again = Connect(keys_);
  ASSERT_TRUE(again.resumed());
  EXPECT_NE(bssl::UniquePtr<X509>(SSL_get_peer_certificate(again.server.get())), nullptr);
}

TEST_P(TicketKeysTest, WhatIsNoTicketOfOursIsIgnored) {
  Connect(keys_);
  const auto damaged = [&](size_t at) {
    const uint8_t* ticket = nullptr;
    size_t bytes = 0;
    SSL_SESSION_get0_ticket(session_.get(), &ticket, &bytes);
    const_cast<uint8_t*>(ticket)[at % bytes] ^= 1;
  };
  // In the name, the end, the nonce and the sealed part.
  for (const size_t at : {size_t{0}, size_t{20}, size_t{30}, size_t{60}}) {
    damaged(at);
    EXPECT_FALSE(Connect(keys_).resumed()) << at;
  }
  EXPECT_TRUE(Connect(keys_).resumed());
}

TEST(TicketKeysSetTest, BadKeysChangeNothing) {
  TicketKeys keys;
  ASSERT_TRUE(keys.Set({Key('a')}).ok());
  const auto before = keys.Get();
  EXPECT_FALSE(keys.Set({}).ok());
  EXPECT_FALSE(keys.Set(Told(kMaxTicketKeys + 1, Key('b'))).ok());
  EXPECT_FALSE(keys.Set({Key('b'), {"short", std::string(TicketKey::kSecretBytes, 'x')}}).ok());
  const absl::Status status = keys.Set({{std::string(TicketKey::kNameBytes, 'n'), "secret"}});
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.message().find("secret"), std::string::npos);
  EXPECT_EQ(keys.Get(), before);
}

}  // namespace
}  // namespace lb::dataplane::tls
