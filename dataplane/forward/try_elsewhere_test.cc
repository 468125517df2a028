// A backend that accepts and resets: what its clients see, and how it is left out.
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "dataplane/forward/test_net.h"
#include "dataplane/outlier/ejection.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// Greets first, then sends back what it reads.
void GreetAndEcho(UniqueFd client) {
  if (SendAll(client.get(), "hi")) Echo(std::move(client));
}

// Waits for the greeting, so that nothing was sent before it.
std::string Greeting(const Endpoint& address) {
  const UniqueFd client = Dial(address);
  const ReadResult answer = Read(client.get(), 2);
  return answer.error == 0 ? answer.data : "";
}

void DetectOutliers(TestWorker& worker, uint32_t failures, uint64_t ejection_ms) {
  auto& outlier = *worker.rule().mutable_outlier_detection();
  outlier.set_failures(failures);
  outlier.set_ejection_time_ms(ejection_ms);
  outlier.set_max_ejected_percent(50);
}

bool IsOut(const TestWorker& worker, size_t backend) {
  const auto& state = *worker.tables()->rules.at(0)->backends.at(backend).state;
  return std::chrono::steady_clock::now() < state.outlier.ejected_until.load();
}

constexpr uint64_t kForeverMs = 3'600'000;

TEST(TryElsewhereTest, AResetBeforeAnyByteIsTriedOnAnotherBackendUnseen) {
  FakeBackend good(GreetAndEcho);
  FakeBackend bad(Reset);
  TestWorker worker;
  DetectOutliers(worker, 1'000, kForeverMs);
  worker.AddBackend("a", bad.address());
  worker.AddBackend("b", good.address());
  worker.Apply();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Greeting(worker.address()), "hi") << i;
  EXPECT_GT(worker.Failures("a", ConnectFailure::kReset), 0u);
  EXPECT_EQ(worker.Sum(&RuleCounters::retries), worker.Failures("a", ConnectFailure::kReset));
  EXPECT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kBackendReset), 0u);
}

TEST(TryElsewhereTest, ABackendThatResetsIsLeftOutAndComesBackByItself) {
  FakeBackend good(GreetAndEcho);
  std::atomic<bool> fails{true};
  FakeBackend bad([&](UniqueFd client) {
    fails.load() ? Reset(std::move(client)) : GreetAndEcho(std::move(client));
  });
  TestWorker worker;
  DetectOutliers(worker, 3, 300);
  worker.AddBackend("a", bad.address());
  worker.AddBackend("b", good.address());
  worker.Apply();
  ASSERT_TRUE(Eventually([&] {
    EXPECT_EQ(Greeting(worker.address()), "hi");
    return IsOut(worker, 0);
  }));
  fails.store(false);
  const int before = bad.accepted();
  ASSERT_TRUE(Eventually([&] {
    EXPECT_EQ(Greeting(worker.address()), "hi");
    return bad.accepted() > before;
  }));
  EXPECT_FALSE(IsOut(worker, 0));
}

TEST(TryElsewhereTest, AConnectionThatWasKeptEndsTheRowAlsoWithoutAnAnswer) {
  // Every other connection is reset; the others are those of a protocol that is never answered.
  std::atomic<int> served{0};
  FakeBackend noisy([&](UniqueFd client) {
    if (served.fetch_add(1) % 2 == 0) return Reset(std::move(client));
    Read(client.get());
  });
  FakeBackend other(GreetAndEcho);
  TestWorker worker;
  DetectOutliers(worker, 2, kForeverMs);
  worker.rule().set_connect_attempts(1);
  worker.AddBackend("a", noisy.address(), 1'000'000);
  worker.AddBackend("b", other.address(), 1);
  worker.Apply();
  for (int i = 0; i < 6; ++i) {
    const UniqueFd refused = Dial(worker.address());
    Read(refused.get());
    ASSERT_TRUE(worker.Quiet());
    const UniqueFd kept = Dial(worker.address());
    ASSERT_TRUE(SendAll(kept.get(), "a line of a log"));
    SendFin(kept.get());
    ASSERT_EQ(Read(kept.get()).error, 0);
    ASSERT_TRUE(worker.Quiet());
  }
  EXPECT_FALSE(IsOut(worker, 0));
}

TEST(TryElsewhereTest, WhileItIsOutNoConnectionGoesThere) {
  FakeBackend good(GreetAndEcho);
  FakeBackend bad(Reset);
  TestWorker worker;
  DetectOutliers(worker, 3, kForeverMs);
  worker.AddBackend("a", bad.address());
  worker.AddBackend("b", good.address());
  worker.Apply();
  ASSERT_TRUE(Eventually([&] {
    EXPECT_EQ(Greeting(worker.address()), "hi");
    return IsOut(worker, 0);
  }));
  ASSERT_TRUE(worker.Quiet());
  const uint64_t connects = worker.Sum("a", &BackendCounters::connects_total);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Greeting(worker.address()), "hi");
  EXPECT_EQ(worker.Sum("a", &BackendCounters::connects_total), connects);
}

TEST(TryElsewhereTest, AfterABytePassedTheClientIsResetAndTheBackendCounted) {
  FakeBackend good(GreetAndEcho);
  // It reads what the client sent, then resets.
  FakeBackend bad([](UniqueFd client) {
    Read(client.get(), 1);
    Reset(std::move(client));
  });
  TestWorker worker;
  DetectOutliers(worker, 3, kForeverMs);
  worker.AddBackend("a", bad.address(), 1'000'000);
  worker.AddBackend("b", good.address(), 1);
  worker.Apply();
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(IsOut(worker, 0));
    UniqueFd client = Dial(worker.address());
    ASSERT_TRUE(SendAll(client.get(), "x"));
    ASSERT_EQ(Read(client.get()).error, ECONNRESET);
  }
  EXPECT_TRUE(IsOut(worker, 0));
  EXPECT_EQ(worker.Closed(CloseReason::kBackendReset), 3u);
  EXPECT_EQ(worker.Sum(&RuleCounters::retries), 0u);
}

TEST(TryElsewhereTest, ThePROXYHeaderIsSentAnew) {
  std::atomic<int> headers{0};
  FakeBackend good([&](UniqueFd client) {
    if (Read(client.get(), 6).data == "PROXY ") headers.fetch_add(1);
    GreetAndEcho(std::move(client));
  });
  FakeBackend bad(Reset);
  TestWorker worker;
  DetectOutliers(worker, 1'000, kForeverMs);
  worker.rule().mutable_proxy_protocol()->set_send(lb::type::v1::ProxyProtocol::VERSION_1);
  worker.AddBackend("a", bad.address(), 1'000'000);
  worker.AddBackend("b", good.address(), 1);
  worker.Apply();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Greeting(worker.address()), "hi") << i;
  EXPECT_EQ(headers.load(), 20);
}

TEST(TryElsewhereTest, ConnectsThatFailLeaveABackendOutToo) {
  FakeBackend good(GreetAndEcho);
  TestWorker worker;
  DetectOutliers(worker, 3, kForeverMs);
  worker.AddBackend("a", UnusedAddress());
  worker.AddBackend("b", good.address());
  worker.Apply();
  ASSERT_TRUE(Eventually([&] {
    EXPECT_EQ(Greeting(worker.address()), "hi");
    return IsOut(worker, 0);
  }));
  EXPECT_EQ(worker.Failures("a", ConnectFailure::kRefused), 3u);
}

TEST(TryElsewhereTest, WithNobodyElseTheClientIsReset) {
  FakeBackend bad(Reset);
  TestWorker worker;
  DetectOutliers(worker, 1, kForeverMs);
  worker.AddBackend("a", bad.address());
  worker.Apply();
  for (int i = 0; i < 5; ++i) {
    const UniqueFd client = Dial(worker.address());
    EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  }
  EXPECT_FALSE(IsOut(worker, 0));
  EXPECT_TRUE(worker.Quiet());
}

TEST(TryElsewhereTest, WithoutOutlierDetectionAResetIsPassedOn) {
  FakeBackend good(GreetAndEcho);
  FakeBackend bad([](UniqueFd client) {
    Read(client.get(), 1);
    Reset(std::move(client));
  });
  TestWorker worker;
  worker.AddBackend("a", bad.address(), 1'000'000);
  worker.AddBackend("b", good.address(), 1);
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(SendAll(client.get(), "x"));
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
}

}  // namespace
}  // namespace lb::dataplane
