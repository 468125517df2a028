// TLS handshakes with clients that are slow, wrong, silent or too many.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "dataplane/forward/handshakes.h"
#include "dataplane/forward/test_tls.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// Handshakes that fail, before any backend hears of the client.
class HandshakeTest : public ::testing::Test {
 protected:
  HandshakeTest() {
    tls_ = &EndTls(worker_, authority_.Issue({.name = "web.example"}));
    worker_.AddBackend("a", backend_.address(), 1, 1);
  }

  uint64_t Failed(HandshakeFailure failure) { return worker_.HandshakeFailures(failure); }

  // True when it was refused before any backend heard of it.
  bool Refused(RefuseReason reason, HandshakeFailure failure) {
    return worker_.Quiet() && worker_.Refused(reason) == 1 && Failed(failure) == 1 &&
           backend_.accepted() == 0 && worker_.Sum(&RuleCounters::handshakes) == 0;
  }

  const TestAuthority authority_{"ca"};
  const bssl::UniquePtr<SSL_CTX> context_ = ClientContextOf(&authority_);
  FakeBackend backend_{Echo};
  TestWorker worker_;
  lb::type::v1::ServerTls* tls_;
};

TEST_F(HandshakeTest, AClientThatSaysNothingIsRefusedInTime) {
  tls_->set_handshake_timeout_ms(200);
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  Read(client.get());
  EXPECT_TRUE(Refused(RefuseReason::kTlsTimeout, HandshakeFailure::kTimeout));
}

// Also one that always says a little.
TEST_F(HandshakeTest, AClientThatDripsItsHelloIsRefusedInTime) {
  tls_->set_handshake_timeout_ms(200);
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), std::string("\x16\x03\x01\x02\x00", 5)));
  pollfd end{.fd = client.get(), .events = POLLIN, .revents = 0};
  constexpr int kDripMs = 10;
  while (poll(&end, 1, kDripMs) == 0) SendAll(client.get(), "x");
  EXPECT_TRUE(Refused(RefuseReason::kTlsTimeout, HandshakeFailure::kTimeout));
}

TEST_F(HandshakeTest, NoSlotIsTakenBeforeTheHandshakeIsDone) {
  worker_.Apply();
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(Dial(worker_.address()));
  TlsPeer peer = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(peer.Handshake());
  ASSERT_TRUE(peer.Send("x"));
  EXPECT_EQ(peer.Read(1).data, "x");
  EXPECT_EQ(worker_.Slots("a").held, 1u);
}

TEST_F(HandshakeTest, WhatIsNoTlsIsRefusedAtOnce) {
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), "GET / HTTP/1.1\r\n\r\n"));
  Read(client.get());
  EXPECT_TRUE(Refused(RefuseReason::kTlsHandshake, HandshakeFailure::kNotTls));
}

TEST_F(HandshakeTest, AClientThatLeavesInItsHandshakeIsCounted) {
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), std::string("\x16\x03\x01", 3)));
  SendFin(client.get());
  EXPECT_EQ(Read(client.get()).data, "");
  EXPECT_TRUE(Refused(RefuseReason::kTlsHandshake, HandshakeFailure::kClosed));
}

TEST_F(HandshakeTest, ARefusedVersionIsToldByAnAlert) {
  tls_->set_min_version(lb::type::v1::TLS_VERSION_1_3);
  worker_.Apply();
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
  TlsPeer peer = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
  EXPECT_FALSE(peer.Handshake());
  EXPECT_EQ(peer.error(), "TLSV1_ALERT_PROTOCOL_VERSION");
}

TEST_F(HandshakeTest, AHelloInSingleBytesIsUnderstood) {
  worker_.Apply();
  TlsPeer peer = TlsPeer::Client(context_.get(), UniqueFd(dup(0)), "web.example");
  SSL_set0_rbio(peer.ssl(), BIO_new(BIO_s_mem()));
  SSL_set0_wbio(peer.ssl(), BIO_new(BIO_s_mem()));
  ASSERT_FALSE(peer.Handshake());
  const uint8_t* hello = nullptr;
  size_t size = 0;
  ASSERT_EQ(BIO_mem_contents(SSL_get_wbio(peer.ssl()), &hello, &size), 1);
  UniqueFd client = Dial(worker_.address());
  const int off = 1;
  setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
  for (size_t i = 0; i < size; ++i)
    ASSERT_TRUE(SendAll(client.get(), {reinterpret_cast<const char*>(hello) + i, 1}));
  EXPECT_EQ(Read(client.get(), 3).data, std::string("\x16\x03\x03", 3));
}

// Goal: clients that never finish a handshake neither stop others from connecting nor add up.
// Method: more of them than may be under way; an honest client gets through, the oldest are out.
TEST_F(HandshakeTest, TheOldestHandshakesGiveWayToNewOnes) {
  tls_->set_handshake_timeout_ms(600'000);
  worker_.Apply();
  std::vector<UniqueFd> flood;
  for (size_t i = 0; i < Handshakes::kMaxInWorker + 100; ++i) {
    flood.push_back(Dial(worker_.address()));
    ASSERT_TRUE(flood.back().valid()) << i;
    ASSERT_TRUE(SendAll(flood.back().get(), "\x16"));
  }
  TlsPeer peer = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(peer.Handshake()) << peer.error();
  ASSERT_TRUE(Eventually([&] { return Failed(HandshakeFailure::kOverload) >= 100; }));
  EXPECT_LE(worker_.Sum(&RuleCounters::handshakes), Handshakes::kMaxInWorker);
  EXPECT_NE(Read(flood.front().get()).error, EAGAIN);  // It was closed.
  EXPECT_TRUE(Eventually([&] { return backend_.accepted() == 1; }));
}

}  // namespace
}  // namespace lb::dataplane
