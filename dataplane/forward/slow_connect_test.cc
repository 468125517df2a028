// Connects that take longer than outlier detection lets them: their connections go on, and their
// backend is left out.
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "dataplane/forward/dial.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr uint64_t kForeverMs = 3'600'000;
// The kernel sends a first packet that was dropped again after a second (RFC 6298, 2.1).
constexpr uint64_t kMaxConnectTimeMs = 200;

// A listening socket whose queue takes one connection: the next connect is done at its second try.
class SluggishBackend final {
 public:
  SluggishBackend() {
    const Endpoint any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
    listener_ = BindListener(any.ToSocketAddress()).fd;
    EXPECT_EQ(listen(listener_.get(), 0), 0);
    address_ = BoundEndpoint(listener_.get());
  }

  const Endpoint& address() const { return address_; }

  UniqueFd Accept() {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())), 1);
    return UniqueFd(accept(listener_.get(), nullptr, nullptr));
  }

  // Returns a client of `worker` whose connection was made at the second try, and its other end.
  std::pair<UniqueFd, UniqueFd> Meet(const TestWorker& worker) {
    const UniqueFd filler = dataplane::Dial(address_);
    UniqueFd client = dataplane::Dial(worker.address());
    EXPECT_TRUE(Eventually([&] { return SomebodyConnects(); }));
    Accept();  // The filler.
    return {std::move(client), Accept()};
  }

 private:
  // True while a connect to it is under way, as /proc/net/tcp tells: state SYN_SENT is 2.
  bool SomebodyConnects() const {
    const std::string wanted = absl::StrFormat(":%04X 02", address_.port());
    std::ifstream file("/proc/net/tcp");
    for (std::string line; std::getline(file, line);)
      if (line.find(wanted) != std::string::npos) return true;
    return false;
  }

  UniqueFd listener_;
  Endpoint address_;
};

class SlowConnectTest : public testing::Test {
 protected:
  SlowConnectTest() : good_(Echo) {
    auto& outlier = *worker_.rule().mutable_outlier_detection();
    outlier.set_failures(2);
    outlier.set_ejection_time_ms(kForeverMs);
    outlier.set_max_ejected_percent(50);
    outlier.set_max_connect_time_ms(kMaxConnectTimeMs);
    worker_.AddBackend("a", slow_.address(), 1'000'000);
    worker_.AddBackend("b", good_.address(), 1);
  }

  // One connection that is made slowly, and is then as good as any other.
  void BeServedSlowly() {
    auto [client, server] = slow_.Meet(worker_);
    ASSERT_TRUE(SendAll(server.get(), "hi"));
    EXPECT_EQ(Read(client.get(), 2).data, "hi");
  }

  void BeServedAtOnce() {
    const UniqueFd client = Dial(worker_.address());
    const UniqueFd server = slow_.Accept();
    ASSERT_TRUE(SendAll(server.get(), "hi"));
    EXPECT_EQ(Read(client.get(), 2).data, "hi");
  }

  bool IsOut() const { return std::chrono::steady_clock::now() < State().ejected_until.load(); }
  const OutlierState& State() const {
    return worker_.tables()->rules.at(0)->backends.at(0).state->outlier;
  }

  SluggishBackend slow_;
  FakeBackend good_;
  TestWorker worker_;
};

TEST_F(SlowConnectTest, TheirConnectionsGoOnAndTheirAnswersDoNotEndTheRow) {
  worker_.Apply();
  BeServedSlowly();
  EXPECT_FALSE(IsOut());
  BeServedSlowly();
  EXPECT_TRUE(IsOut());
  EXPECT_EQ(State().reason.load(), ConnectFailure::kSlow);
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kSlow), 2u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::retries), 0u);
}

TEST_F(SlowConnectTest, AnAnswerOfAConnectionThatWasMadeInTimeEndsTheRow) {
  worker_.Apply();
  BeServedSlowly();
  BeServedAtOnce();
  BeServedSlowly();
  EXPECT_FALSE(IsOut());
}

TEST_F(SlowConnectTest, AConnectionCountsOnce) {
  worker_.Apply();
  auto [client, server] = slow_.Meet(worker_);
  ASSERT_TRUE(SendAll(client.get(), "x"));
  EXPECT_EQ(Read(server.get(), 1).data, "x");
  Reset(std::move(server));
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  EXPECT_FALSE(IsOut());
}

TEST_F(SlowConnectTest, WithoutABoundNoConnectIsSlow) {
  worker_.rule().mutable_outlier_detection()->clear_max_connect_time_ms();
  worker_.Apply();
  BeServedSlowly();
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kSlow), 0u);
}

}  // namespace
}  // namespace lb::dataplane
