// TLS that is ended for clients: what they and the backends see, on loopback.
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

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

// Goal: full sockets both ways hold nobody up for ever, and nothing is lost or mixed up. Method:
// each end sends more than sockets hold before it reads anything, then all else.
TEST_P(TerminateTest, BothEndsMaySendAtOnce) {
  const std::string up = Pattern(8 << 20, 4);
  const std::string down = Pattern(8 << 20, 5);
  std::promise<std::string> received;
  FakeBackend backend([&](UniqueFd client) {
    std::thread sender([&] {
      EXPECT_TRUE(SendAll(client.get(), down));
      SendFin(client.get());
    });
    received.set_value(Read(client.get()).data);
    sender.join();
  });
  Start(backend);
  TlsPeer peer = Connect();
  ASSERT_EQ(fcntl(peer.fd(), F_SETFL, O_NONBLOCK), 0);
  std::string answer;
  std::string buffer(100'000, '\0');
  size_t sent = 0;
  for (;;) {
    if (sent < up.size()) {
      const size_t piece = std::min<size_t>(up.size() - sent, 70'000);
      const int wrote = SSL_write(peer.ssl(), up.data() + sent, static_cast<int>(piece));
      if (wrote > 0) sent += static_cast<size_t>(wrote);
      if (sent == up.size()) SSL_shutdown(peer.ssl());
    }
    const int got = SSL_read(peer.ssl(), buffer.data(), static_cast<int>(buffer.size()));
    if (got > 0) answer.append(buffer, 0, static_cast<size_t>(got));
    if (got > 0) continue;
    if (SSL_get_error(peer.ssl(), got) != SSL_ERROR_WANT_READ && sent == up.size()) break;
    pollfd ready{.fd = peer.fd(), .events = POLLIN, .revents = 0};
    if (sent < up.size()) ready.events |= POLLOUT;
    ASSERT_GT(::poll(&ready, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())), 0);
  }
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_TRUE(answer == down) << answer.size();
  EXPECT_TRUE(received.get_future().get() == up);
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 1u);
}

TEST_P(TerminateTest, ASessionGoesOnInTheNextConnection) {
  FakeBackend backend(Echo);
  Start(backend);
  const TestSessions sessions(context_.get());
  {
    TlsPeer first = Connect();
    ASSERT_TRUE(first.Send("x"));
    ASSERT_EQ(first.Read(1).data, "x");
    EXPECT_EQ(SSL_session_reused(first.ssl()), 0);
    first.Close();
  }
  ASSERT_NE(sessions.newest(), nullptr);
  TlsPeer second = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
  ASSERT_EQ(SSL_set_session(second.ssl(), sessions.newest()), 1);
  ASSERT_TRUE(second.Handshake()) << second.error();
  EXPECT_EQ(SSL_session_reused(second.ssl()), 1);
  ASSERT_TRUE(second.Send("y"));
  EXPECT_EQ(second.Read(1).data, "y");
  EXPECT_EQ(worker_.Sum(&RuleCounters::resumed_handshakes_total), 1u);
}

TEST_P(TerminateTest, APlainProxyHeaderComesBeforeTheHandshake) {
  std::promise<std::string> seen;
  FakeBackend backend([&](UniqueFd client) {
    std::string line;
    while (line.empty() || line.back() != '\n') line += Read(client.get(), 1).data;
    seen.set_value(line);
    Echo(std::move(client));
  });
  auto& proxy = *worker_.rule().mutable_proxy_protocol();
  proxy.add_accept_from("127.0.0.0/8");
  proxy.set_header_timeout_ms(10'000);
  proxy.set_send(lb::type::v1::ProxyProtocol::VERSION_1);
  Start(backend);
  UniqueFd client = Dial(worker_.address());
  const std::string header = "PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n";
  ASSERT_TRUE(SendAll(client.get(), header));
  TlsPeer peer = TlsPeer::Client(context_.get(), std::move(client), "web.example");
  ASSERT_TRUE(peer.Handshake()) << peer.error();
  ASSERT_TRUE(peer.Send("x"));
  EXPECT_EQ(peer.Read(1).data, "x");
  EXPECT_EQ(seen.get_future().get(), header);
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

}  // namespace
}  // namespace lb::dataplane
