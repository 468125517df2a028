#include "controlplane/shell/prober.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <thread>

#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"
#include "tests/fakes/backend/fake_backend.h"

namespace lb::controlplane {
namespace {

using fakes::FakeBackend;
using std::chrono::milliseconds;
using Manner = FakeBackend::Manner;
constexpr auto kTcp = HealthCheckConfig::Protocol::kTcp;
constexpr auto kHttp = HealthCheckConfig::Protocol::kHttp;
constexpr char kOkReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

StartProbe Request(ProbeId id, Endpoint address, HealthCheckConfig::Protocol protocol,
                   milliseconds timeout = milliseconds(20'000)) {
  StartProbe request;
  request.probe = id;
  request.address = std::move(address);
  request.protocol = protocol;
  request.path = "/health";
  request.host = "app.internal";
  request.timeout = timeout;
  return request;
}

class ProberTest : public testing::Test {
 protected:
  // Runs one check to its end and returns its result.
  ProbeDone Check(StartProbe request) {
    prober_.Start(std::move(request));
    EXPECT_TRUE(loop_.RunUntil([this] { return !loop_.Of<ProbeDone>().empty(); }));
    EXPECT_EQ(loop_.Of<ProbeDone>().size(), 1u);
    return loop_.Of<ProbeDone>().front();
  }

  Endpoint UnusedPort() {
    boost::asio::ip::tcp::acceptor acceptor(
        loop_.io(), boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    return Endpoint::FromIp("127.0.0.1", acceptor.local_endpoint().port()).value();
  }

  TestLoop loop_;
  Prober prober_{loop_.io(), 1'000, loop_.sink()};
};

TEST_F(ProberTest, ATcpCheckPassesWhenTheBackendAccepts) {
  FakeBackend backend(loop_.io(), Manner::kHang, "");
  const ProbeDone done = Check(Request(7, backend.endpoint(), kTcp));
  EXPECT_EQ(done.probe, 7u);
  EXPECT_TRUE(done.passed) << done.detail;
  EXPECT_TRUE(loop_.RunUntil([&] { return backend.accepted() == 1 && backend.open() == 0; }));
}

TEST_F(ProberTest, ARefusedConnectSaysSo) {
  const ProbeDone done = Check(Request(1, UnusedPort(), kTcp));
  EXPECT_FALSE(done.passed);
  EXPECT_EQ(done.detail, "connect refused");
}

TEST_F(ProberTest, AnHttpCheckSendsAProperRequestAndPassesOnTheExpectedStatus) {
  FakeBackend backend(loop_.io(), Manner::kAnswer, kOkReply);
  const ProbeDone done = Check(Request(1, backend.endpoint(), kHttp));
  EXPECT_TRUE(done.passed);
  EXPECT_EQ(done.detail, "HTTP 200");
  EXPECT_EQ(backend.request().substr(0, 22), "GET /health HTTP/1.1\r\n");
  EXPECT_NE(backend.request().find("\r\nHost: app.internal\r\n"), std::string::npos);
  EXPECT_NE(backend.request().find("\r\nUser-Agent: lb-healthcheck\r\n"), std::string::npos);
  EXPECT_NE(backend.request().find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST_F(ProberTest, ABackendThatWantsAProxyHeaderGetsOneOfNobody) {
  FakeBackend backend(loop_.io(), Manner::kAnswer, kOkReply);
  StartProbe request = Request(1, backend.endpoint(), kHttp);
  request.proxy_header = ProxyVersion::kV1;
  EXPECT_TRUE(Check(request).passed);
  EXPECT_EQ(backend.request().substr(0, 19), "PROXY UNKNOWN\r\nGET ");
  request.probe = 2;
  request.proxy_header = ProxyVersion::kV2;
  request.protocol = kTcp;
  FakeBackend by_tcp(loop_.io(), Manner::kAnswer, "");
  request.address = by_tcp.endpoint();
  prober_.Start(request);
  EXPECT_TRUE(loop_.RunUntil([&] { return by_tcp.accepted() == 1 && by_tcp.open() == 0; }));
  EXPECT_TRUE(loop_.Of<ProbeDone>().back().passed);
}

TEST_F(ProberTest, AnotherStatusFailsUnlessItIsExpected) {
  const char* reply = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
  FakeBackend backend(loop_.io(), Manner::kAnswer, reply);
  const ProbeDone done = Check(Request(1, backend.endpoint(), kHttp));
  EXPECT_FALSE(done.passed);
  EXPECT_EQ(done.detail, "HTTP 503");
  StartProbe expects = Request(2, backend.endpoint(), kHttp);
  expects.expect_status = 503;
  prober_.Start(expects);
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProbeDone>().size() == 2; }));
  EXPECT_TRUE(loop_.Of<ProbeDone>().back().passed);
}

TEST_F(ProberTest, GarbageFailsAndSaysThatItIsNotHttp) {
  FakeBackend backend(loop_.io(), Manner::kAnswer, "220 mail.example.com ESMTP\r\n\r\n");
  const ProbeDone done = Check(Request(1, backend.endpoint(), kHttp));
  EXPECT_FALSE(done.passed);
  EXPECT_NE(done.detail.find("not an HTTP response"), std::string::npos) << done.detail;
}

TEST_F(ProberTest, AHeaderWithoutEndIsCutOff) {
  FakeBackend backend(loop_.io(), Manner::kEndless, "HTTP/1.1 200 OK\r\nX: ");
  const ProbeDone done = Check(Request(1, backend.endpoint(), kHttp));
  EXPECT_FALSE(done.passed);
  EXPECT_EQ(done.detail, "response header too large");
}

TEST_F(ProberTest, AnEndlessBodyPassesByItsStatusAndIsResetSoon) {
  FakeBackend backend(loop_.io(), Manner::kEndless, "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_TRUE(Check(Request(1, backend.endpoint(), kHttp)).passed);
  EXPECT_TRUE(loop_.RunUntil([&] { return backend.open() == 0 && prober_.in_flight() == 0; }));
}

TEST_F(ProberTest, HangingAndDrippingBackendsFailAtTheirDeadlineAndDelayNobody) {
  FakeBackend hanging(loop_.io(), Manner::kHang, "");
  FakeBackend dripping(loop_.io(), Manner::kDrip, kOkReply);
  FakeBackend healthy(loop_.io(), Manner::kAnswer, kOkReply);
  const milliseconds timeout(300);  // The drip needs 40 pauses of 20 ms for its header.
  for (ProbeId id = 0; id < 50; ++id)
    prober_.Start(Request(id, hanging.endpoint(), kHttp, timeout));
  prober_.Start(Request(50, dripping.endpoint(), kHttp, timeout));
  prober_.Start(Request(51, healthy.endpoint(), kHttp));
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProbeDone>().size() == 52; }));
  EXPECT_EQ(loop_.Of<ProbeDone>().front().probe, 51u);
  EXPECT_TRUE(loop_.Of<ProbeDone>().front().passed);
  for (const ProbeDone& done : loop_.Of<ProbeDone>()) {
    if (done.probe == 51) continue;
    EXPECT_FALSE(done.passed);
    EXPECT_EQ(done.detail, "timeout after 300 ms");
    EXPECT_GE(done.took, timeout);
    EXPECT_LT(done.took, 10 * timeout);
  }
}

TEST_F(ProberTest, UnixSocketsAreChecked) {
  const SocketFolder folder;
  const std::string path = folder.path() + "/app.sock";
  boost::asio::local::stream_protocol::acceptor acceptor(
      loop_.io(), boost::asio::local::stream_protocol::endpoint(path));
  EXPECT_TRUE(Check(Request(1, Endpoint::Parse("unix:" + path).value(), kTcp)).passed);
}

TEST_F(ProberTest, ChecksOverTheBoundWaitTheirTurn) {
  FakeBackend hanging(loop_.io(), Manner::kHang, "");
  Prober small(loop_.io(), 2, loop_.sink());
  for (ProbeId id = 0; id < 6; ++id)
    small.Start(Request(id, hanging.endpoint(), kHttp, milliseconds(30)));
  EXPECT_EQ(small.in_flight(), 2u);
  EXPECT_EQ(small.waiting(), 4u);
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProbeDone>().size() == 6; }));
  EXPECT_EQ(loop_.Of<ProbeDone>().back().probe, 5u);
}

// Lowers the limit of open files for as long as it lives.
class FewDescriptors {
 public:
  FewDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low = before_;
    const int next = ::dup(0);
    ::close(next);
    low.rlim_cur = static_cast<rlim_t>(next);
    setrlimit(RLIMIT_NOFILE, &low);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ProberTest, WithoutDescriptorsAHealthyBackendIsNotCalledDown) {
  FakeBackend backend(loop_.io(), Manner::kAnswer, kOkReply);
  {
    const FewDescriptors few;
    prober_.Start(Request(1, backend.endpoint(), kHttp));
    ASSERT_TRUE(loop_.RunUntil([this] { return prober_.waiting() == 1; }));
    EXPECT_TRUE(loop_.Of<ProbeDone>().empty());
  }
  ASSERT_TRUE(loop_.RunUntil([this] { return !loop_.Of<ProbeDone>().empty(); }));
  EXPECT_TRUE(loop_.Of<ProbeDone>().front().passed);
}

// Goal: 10,000 backends every 5 s fit on one core. Method: 10,000 HTTP checks against a backend in
// another thread; only the CPU time of this thread counts.
TEST_F(ProberTest, TenThousandChecksCostLessThanFiveSecondsOfOneCore) {
  boost::asio::io_context backend_io(1);
  FakeBackend backend(backend_io, Manner::kAnswer, kOkReply);
  const Endpoint address = backend.endpoint();
  std::thread backend_thread([&] { backend_io.run(); });
  constexpr size_t kChecks = 10'000;
  rusage before{};
  getrusage(RUSAGE_THREAD, &before);
  size_t passed = 0;
  size_t done = 0;
  Prober prober(loop_.io(), 1'000, [&](const Event& event) {
    ++done;
    passed += std::get<ProbeDone>(event).passed ? 1 : 0;
  });
  for (ProbeId id = 0; id < kChecks; ++id) prober.Start(Request(id, address, kHttp));
  EXPECT_TRUE(loop_.RunUntil([&] { return done == kChecks; }));
  rusage after{};
  getrusage(RUSAGE_THREAD, &after);
  backend_io.stop();
  backend_thread.join();
  EXPECT_EQ(passed, kChecks);
  const auto microseconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  const double cpu_us = microseconds(after.ru_utime) - microseconds(before.ru_utime) +
                        microseconds(after.ru_stime) - microseconds(before.ru_stime);
  RecordProperty("cpu_us_per_check", std::to_string(cpu_us / kChecks));
  std::printf("%.1f us of CPU a check\n", cpu_us / kChecks);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(cpu_us, 5e6);
#endif
}

}  // namespace
}  // namespace lb::controlplane
