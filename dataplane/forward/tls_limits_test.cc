// Limits, queues, lists and kills as connections with TLS meet them.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/forward/connection_walk.h"
#include "dataplane/forward/test_tls.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;

class TlsLimitsTest : public ::testing::Test {
 protected:
  TlsLimitsTest() { EndTls(worker_, authority_.Issue({.name = "web.example"})); }

  TlsPeer Connect() {
    TlsPeer peer = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
    EXPECT_TRUE(peer.Handshake()) << peer.error();
    return peer;
  }

  void Run(const std::shared_ptr<ConnectionWalk>& walk) {
    walk->Allow(1'000);
    worker_.forwarder().Run(walk);
    EXPECT_TRUE(Eventually([&] { return walk->done(); }));
  }

  static constexpr size_t kThreads = 2;
  const TestAuthority authority_{"ca"};
  const bssl::UniquePtr<SSL_CTX> context_ = ClientContextOf(&authority_);
  TestWorker worker_{{.threads = kThreads}};
};

// Goal: bytes behind TLS pass as fast as the limit says and none is lost, though a record is larger
// than what may pass at once. Method: a burst of a tenth of a record, both ways.
TEST_F(TlsLimitsTest, ABandwidthLimitHoldsForRecordsLargerThanItsBurst) {
  FakeBackend backend(Echo);
  auto& limit = *worker_.rule().mutable_bandwidth_limit()->mutable_client();
  limit.set_download_bytes_per_s(200'000);
  limit.set_download_burst_bytes(1'600);
  limit.set_upload_bytes_per_s(400'000);
  limit.set_upload_burst_bytes(1'600);
  worker_.AddBackend("a", backend.address());
  worker_.Apply();
  TlsPeer peer = Connect();
  const std::string data = Pattern(100'000, 3);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(peer.Send(data));
  EXPECT_TRUE(peer.Read(data.size()).data == data);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(400));
  peer.Close();
  EXPECT_EQ(peer.Read().end, TlsEnd::kClosed);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 1u);
}

TEST_F(TlsLimitsTest, AClientThatWaitsForASlotIsServedWhenOneIsFree) {
  FakeBackend backend(Echo);
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  worker_.AddBackend("a", backend.address(), 1, 1);
  worker_.Apply();
  TlsPeer first = Connect();
  ASSERT_TRUE(first.Send("1"));
  ASSERT_EQ(first.Read(1).data, "1");
  TlsPeer second = Connect();
  ASSERT_TRUE(second.Send("2"));  // Read only once it is connected.
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::queued) == 1; }));
  first.Close();
  EXPECT_EQ(second.Read(1).data, "2");
}

TEST_F(TlsLimitsTest, ListsTellWhatTlsIsSpoken) {
  FakeBackend backend(Echo);
  worker_.AddBackend("a", backend.address());
  worker_.Apply();
  TlsPeer peer = Connect();
  ASSERT_TRUE(peer.Send("1"));
  ASSERT_EQ(peer.Read(1).data, "1");
  const auto walk = std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kList,
                                                     ConnectionFilter{}, 10, kThreads);
  Run(walk);
  const std::vector<ConnectionInfo> found = walk->TakeFound();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].tls.sni, "web.example");
  EXPECT_EQ(found[0].tls.version, "1.3");
  EXPECT_EQ(found[0].tls.cipher.rfind("TLS_", 0), 0u) << found[0].tls.cipher;
  EXPECT_EQ(found[0].tls.backend_version, "");
}

TEST_F(TlsLimitsTest, OneThatIsKilledIsReset) {
  FakeBackend backend(Echo);
  worker_.AddBackend("a", backend.address());
  worker_.Apply();
  TlsPeer peer = Connect();
  UniqueFd silent = Dial(worker_.address());  // In its handshake.
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::connections) == 2; }));
  Run(std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kKill, ConnectionFilter{}, 0,
                                       kThreads));
  EXPECT_EQ(peer.Read().end, TlsEnd::kReset);
  EXPECT_EQ(Read(silent.get()).error, ECONNRESET);
  EXPECT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kKilled), 2u);
}

TEST_F(TlsLimitsTest, AnIdleOneIsResetInTime) {
  FakeBackend backend(Echo);
  worker_.rule().mutable_timeouts()->set_idle_ms(200);
  worker_.AddBackend("a", backend.address());
  worker_.Apply();
  TlsPeer peer = Connect();
  EXPECT_EQ(peer.Read().end, TlsEnd::kReset);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kIdle), 1u);
}

// New tables, and with them new contexts, leave connections alone, open and in their handshake.
TEST_F(TlsLimitsTest, NewCertificatesAreForNewHandshakes) {
  FakeBackend backend(Echo);
  worker_.AddBackend("a", backend.address());
  worker_.Apply();
  TlsPeer before = Connect();
  TlsPeer during = TlsPeer::Client(context_.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::handshakes) == 1; }));
  EndTls(worker_, authority_.Issue({.name = "new.example"}));
  worker_.Apply();
  EXPECT_TRUE(during.Handshake()) << during.error();
  for (TlsPeer* peer : {&before, &during}) {
    ASSERT_TRUE(peer->Send("x"));
    EXPECT_EQ(peer->Read(1).data, "x");
  }
  TlsPeer after = TlsPeer::Client(context_.get(), Dial(worker_.address()), "new.example");
  EXPECT_TRUE(after.Handshake()) << after.error();
}

}  // namespace
}  // namespace lb::dataplane
