// TLS that is ended for clients: what they and the backends see, on loopback.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/forward/handshakes.h"
#include "dataplane/forward/test_tls.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

class TerminateTest : public ::testing::TestWithParam<uint16_t> {
 protected:
  TerminateTest() {
    SSL_CTX_set_min_proto_version(context_.get(), GetParam());
    SSL_CTX_set_max_proto_version(context_.get(), GetParam());
  }

  // Ends TLS in front of this backend.
  void Start(const FakeBackend& backend) {
    EndTls(worker_, certificate_);
    worker_.AddBackend("a", backend.address());
    worker_.Apply();
  }

  TlsPeer Connect() {
    TlsPeer peer = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
    EXPECT_TRUE(peer.Handshake()) << peer.error();
    return peer;
  }

  const TestAuthority authority_{"ca"};
  const TestCertificate certificate_ = authority_.Issue({.name = "web.example"});
  const bssl::UniquePtr<SSL_CTX> context_ = ClientContextOf(&authority_);
  TestWorker worker_;
};

INSTANTIATE_TEST_SUITE_P(Versions, TerminateTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

// Goal: every byte comes back in order, whatever the size, with close_notify passed on as a FIN and
// the FIN as close_notify. Method: echo of sizes around record and buffer sizes, many at once.
TEST_P(TerminateTest, EchoesEverySizeWithHalfClose) {
  FakeBackend backend(Echo);
  Start(backend);
  const std::vector<size_t> sizes = {0,     1,     100,    16383,   16384,   16385,
                                     65535, 65536, 131073, 1 << 20, 16 << 20};
  std::vector<std::thread> clients;
  uint64_t total = 0;
  for (const size_t size : sizes) {
    total += size;
    clients.emplace_back([&, size] {
      const std::string data = Pattern(size, size);
      TlsPeer peer = Connect();
      std::string answer;
      size_t sent = 0;
      // In step with the echo, so that neither end waits for the other one.
      while (sent < size) {
        const size_t piece = std::min<size_t>(size - sent, 50'000);
        ASSERT_TRUE(peer.Send(std::string_view(data).substr(sent, piece)));
        sent += piece;
        answer += peer.Read(piece).data;
      }
      peer.Close();
      const TlsRead rest = peer.Read();
      EXPECT_EQ(rest.end, TlsEnd::kClosed) << size << peer.error();
      EXPECT_TRUE(answer + rest.data == data) << size << " became " << answer.size();
    });
  }
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), sizes.size());
  EXPECT_EQ(worker_.Sum(&RuleCounters::received_bytes), total);
  EXPECT_EQ(worker_.Sum(&RuleCounters::sent_bytes), total);
  EXPECT_EQ(worker_.Sum(&RuleCounters::handshakes_total), sizes.size());
}

TEST_P(TerminateTest, RecordsOfOneByteArriveAsTheyWereSent) {
  FakeBackend backend(Echo);
  Start(backend);
  TlsPeer peer = Connect();
  const std::string data = Pattern(3'000, 1);
  for (const char& byte : data) ASSERT_TRUE(peer.Send({&byte, 1}));
  EXPECT_TRUE(peer.Read(data.size()).data == data);
  peer.Close();
  EXPECT_EQ(peer.Read().end, TlsEnd::kClosed);
}

// Goal: a reader that is slow holds its sender up, and gets everything in the end.
TEST_P(TerminateTest, ASlowReaderGetsAllOfABulkTransfer) {
  const std::string data = Pattern(16 << 20, 2);
  FakeBackend backend([&](UniqueFd client) {
    EXPECT_TRUE(SendAll(client.get(), data));
    SendFin(client.get());
    EXPECT_EQ(Read(client.get()).data, "thanks");
  });
  Start(backend);
  TlsPeer peer = Connect();
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::sent_bytes) > 100'000; }));
  const TlsRead all = peer.Read();
  EXPECT_EQ(all.end, TlsEnd::kClosed);
  EXPECT_TRUE(all.data == data);
  // The backend has ended; the other direction lives on.
  ASSERT_TRUE(peer.Send("thanks"));
  peer.Close();
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 1u);
}

TEST_P(TerminateTest, AnEndWithoutCloseNotifyIsAResetForThePlainBackend) {
  std::atomic<int> error{-1};
  FakeBackend backend([&](UniqueFd client) { error.store(Read(client.get()).error); });
  Start(backend);
  TlsPeer peer = Connect();
  ASSERT_TRUE(peer.Send("half of a mess"));
  SendFin(peer.fd());
  ASSERT_TRUE(Eventually([&] { return error.load() != -1; }));
  EXPECT_EQ(error.load(), ECONNRESET);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kTlsTruncated), 1u);
}

TEST_P(TerminateTest, AfterTheBackendEndedNothingIsMissingWithoutCloseNotify) {
  std::atomic<int> error{-1};
  FakeBackend backend([&](UniqueFd client) {
    SendAll(client.get(), "all");
    SendFin(client.get());
    error.store(Read(client.get()).error);
  });
  Start(backend);
  TlsPeer peer = Connect();
  EXPECT_EQ(peer.Read().data, "all");
  SendFin(peer.fd());
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 1u);
  ASSERT_TRUE(Eventually([&] { return error.load() != -1; }));
  EXPECT_EQ(error.load(), 0);
}

TEST_P(TerminateTest, WhatComesAfterTheBackendEndedMayBeMissingSomething) {
  FakeBackend backend([&](UniqueFd client) {
    SendFin(client.get());
    EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  });
  Start(backend);
  TlsPeer peer = Connect();
  EXPECT_EQ(peer.Read().end, TlsEnd::kClosed);
  ASSERT_TRUE(peer.Send("a beginning"));
  SendFin(peer.fd());
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kTlsTruncated), 1u);
}

TEST_P(TerminateTest, AResetIsPassedOnAsAReset) {
  FakeBackend backend([&](UniqueFd client) {
    EXPECT_EQ(Read(client.get(), 1).data, "x");
    Reset(std::move(client));
  });
  Start(backend);
  TlsPeer peer = Connect();
  ASSERT_TRUE(peer.Send("x"));
  EXPECT_EQ(peer.Read().end, TlsEnd::kReset);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kBackendReset), 1u);
}

// A byte of a record that was changed on its way must not reach the backend.
TEST_P(TerminateTest, WhatIsNoRecordEndsTheConnection) {
  std::string seen;
  FakeBackend backend([&](UniqueFd client) { seen = Read(client.get()).data; });
  Start(backend);
  TlsPeer peer = Connect();
  ASSERT_TRUE(peer.Send("good"));
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::received_bytes) == 4; }));
  SendAll(peer.fd(), std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  const TlsRead end = peer.Read();
  EXPECT_EQ(end.end, TlsEnd::kFailed);
  EXPECT_EQ(peer.error(), "SSLV3_ALERT_BAD_RECORD_MAC");
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kClientReset), 1u);
}

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
