// How a client comes to a backend: choosing, retrying, refusing, limits and timeouts.
#include <sys/socket.h>

#include <cerrno>
#include <map>

#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// True when the connection works; false when it was refused with a reset.
bool EchoWorks(const Endpoint& address) {
  UniqueFd client = Dial(address);
  if (!client.valid() || !SendAll(client.get(), "hello")) return false;
  SendFin(client.get());
  const ReadResult answer = Read(client.get());
  return answer.error == 0 && answer.data == "hello";
}

// What a client sees that is refused.
int ErrorSeen(const Endpoint& address) {
  UniqueFd client = Dial(address);
  return client.valid() ? Read(client.get()).error : errno;
}

TEST(ConnectTest, SharesOfConnectionsAreTheWeights) {
  std::atomic<int> a{0};
  std::atomic<int> b{0};
  const auto count = [](std::atomic<int>& counter) {
    return [&counter](UniqueFd client) {
      counter.fetch_add(1);
      Echo(std::move(client));
    };
  };
  FakeBackend backend_a(count(a));
  FakeBackend backend_b(count(b));
  TestWorker worker({.threads = 1});
  worker.AddBackend("a", backend_a.address(), 5);
  worker.AddBackend("b", backend_b.address(), 1);
  worker.AddBackend("c", UnusedAddress(), 0);
  worker.Apply();
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(EchoWorks(worker.address()));
  EXPECT_EQ(a.load(), 100);
  EXPECT_EQ(b.load(), 20);
}

TEST(ConnectTest, ARefusedConnectIsTriedOnAnotherBackendUnseen) {
  FakeBackend alive(Echo);
  TestWorker worker;
  worker.AddBackend("a", UnusedAddress());
  worker.AddBackend("b", alive.address());
  worker.AddBackend("c", UnusedAddress());
  worker.Apply();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(EchoWorks(worker.address())) << i;
  ASSERT_TRUE(worker.Quiet());
  EXPECT_GT(worker.Failures("a", ConnectFailure::kRefused), 0u);
  EXPECT_EQ(worker.Failures("a", ConnectFailure::kRefused) +
                worker.Failures("c", ConnectFailure::kRefused),
            worker.Sum(&RuleCounters::retries));
  EXPECT_EQ(worker.Closed(CloseReason::kNormal), 60u);
}

TEST(ConnectTest, WhenEveryAttemptFailsTheClientIsReset) {
  TestWorker worker;
  worker.rule().set_connect_attempts(2);
  worker.AddBackend("a", UnusedAddress());
  worker.AddBackend("b", UnusedAddress());
  worker.AddBackend("c", UnusedAddress());
  worker.Apply();
  EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Refused(RefuseReason::kConnectFailed), 1u);
  EXPECT_EQ(worker.Sum(&RuleCounters::retries), 1u);
}

TEST(ConnectTest, AMissingUnixSocketIsUnreachable) {
  TestWorker worker;
  worker.AddBackend("a", Endpoint::Parse("unix:/nonexistent/lb.sock").value());
  worker.Apply();
  EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  EXPECT_TRUE(Eventually([&] { return worker.Failures("a", ConnectFailure::kUnreachable) == 1; }));
}

TEST(ConnectTest, WithoutAUsableBackendTheClientIsReset) {
  FakeBackend alive(Echo);
  TestWorker worker;
  worker.AddBackend("a", alive.address());
  worker.AddBackend("b", alive.address(), 0);
  worker.Apply();
  ASSERT_TRUE(worker.registry().SetHealth({"web", "a"}, Health::kUnhealthy,
                                          std::chrono::steady_clock::now()));
  EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  ASSERT_TRUE(worker.registry().SetHealth({"web", "a"}, Health::kHealthy,
                                          std::chrono::steady_clock::now()));
  EXPECT_TRUE(EchoWorks(worker.address()));
  worker.rule().clear_backends();
  worker.Apply();
  EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Refused(RefuseReason::kNoBackend), 2u);
}

TEST(ConnectTest, ABackendThatBecomesUnusableKeepsItsConnections) {
  FakeBackend alive(Echo);
  TestWorker worker;
  worker.AddBackend("a", alive.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(SendAll(client.get(), "1"));
  ASSERT_EQ(Read(client.get(), 1).data, "1");
  ASSERT_TRUE(worker.registry().SetHealth({"web", "a"}, Health::kUnhealthy,
                                          std::chrono::steady_clock::now()));
  ASSERT_TRUE(SendAll(client.get(), "2"));
  EXPECT_EQ(Read(client.get(), 1).data, "2");
}

TEST(ConnectTest, AConnectThatHangsIsTriedElsewhereAfterItsTimeout) {
  SilentBackend silent;
  FakeBackend alive(Echo);
  TestWorker worker;
  worker.rule().mutable_timeouts()->set_connect_ms(200);
  worker.AddBackend("a", silent.address(), 1'000'000);
  worker.AddBackend("b", alive.address(), 1);
  worker.Apply();
  EXPECT_TRUE(EchoWorks(worker.address()));
  EXPECT_EQ(worker.Failures("a", ConnectFailure::kTimeout), 1u);
}

TEST(ConnectTest, AClientThatIsGoneWhileConnectingGivesItsSlotBack) {
  SilentBackend silent;
  TestWorker worker;
  worker.AddBackend("a", silent.address(), 1, 1);
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(Eventually([&] { return worker.Slots("a").held == 1; }));
  Reset(std::move(client));
  EXPECT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kClientReset), 1u);
}

TEST(ConnectTest, AClientThatSentItsFinWhileConnectingIsServed) {
  SilentBackend silent;
  FakeBackend alive(Echo);
  TestWorker worker;
  worker.rule().mutable_timeouts()->set_connect_ms(200);
  worker.AddBackend("a", silent.address(), 1'000'000);
  worker.AddBackend("b", alive.address(), 1);
  worker.Apply();
  EXPECT_TRUE(EchoWorks(worker.address()));  // Sends its FIN at once.
}

// Goal: a limited backend never has more connections than slots, all slots are used, and all come
// back. Method: hundreds of clients on six threads. The backend counts down before it closes, and
// the worker cannot return a slot before that, so the backend's count is never above the truth.
TEST(ConnectTest, TheLimitOfABackendIsReachedAndNeverPassed) {
  constexpr int kLimit = 20;
  constexpr int kClients = 300;
  std::atomic<int> open{0};
  std::atomic<int> most{0};
  FakeBackend backend([&](UniqueFd client) {
    const int now = open.fetch_add(1) + 1;
    int seen = most.load();
    while (seen < now && !most.compare_exchange_weak(seen, now)) {
    }
    SendAll(client.get(), "!");
    Read(client.get());
    open.fetch_sub(1);
  });
  TestWorker worker({.threads = 6});
  worker.AddBackend("a", backend.address(), 1, kLimit);
  worker.Apply();
  std::atomic<int> served{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      UniqueFd client = Dial(worker.address());
      if (Read(client.get(), 1).data != "!") {
        refused.fetch_add(1);
        return;
      }
      // The first ones hold their slots until the limit is reached.
      if (served.fetch_add(1) < kLimit) Eventually([&] { return most.load() >= kLimit; });
      SendFin(client.get());
      EXPECT_EQ(Read(client.get()).error, 0);
    });
  }
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(most.load(), kLimit);
  EXPECT_EQ(served.load() + refused.load(), kClients);
  EXPECT_EQ(worker.Refused(RefuseReason::kBackendLimit), static_cast<uint64_t>(refused.load()));
  EXPECT_EQ(worker.Slots("a").held, 0u);
}

TEST(ConnectTest, ClientsBeyondALimitGoToTheOtherBackends) {
  FakeBackend limited(Echo);
  FakeBackend free(Echo);
  TestWorker worker({.threads = 1});
  worker.AddBackend("a", limited.address(), 1, 2);
  worker.AddBackend("b", free.address(), 1);
  worker.Apply();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Dial(worker.address()));
    ASSERT_TRUE(SendAll(clients.back().get(), "x"));
    ASSERT_EQ(Read(clients.back().get(), 1).data, "x");
  }
  EXPECT_EQ(worker.Sum("a", &BackendCounters::connections), 2u);
  EXPECT_EQ(worker.Sum("b", &BackendCounters::connections), 8u);
}

TEST(ConnectTest, AFailedConnectGivesItsSlotBack) {
  TestWorker worker;
  worker.AddBackend("a", UnusedAddress(), 1, 1);
  worker.Apply();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Refused(RefuseReason::kConnectFailed), 5u);
}

TEST(ConnectTest, AnIdleConnectionIsResetOnBothSides) {
  std::atomic<int> seen{-1};
  FakeBackend backend([&](UniqueFd client) { seen.store(Read(client.get()).error); });
  TestWorker worker;
  worker.rule().mutable_timeouts()->set_idle_ms(200);
  worker.AddBackend("a", backend.address());
  worker.Apply();
  EXPECT_EQ(ErrorSeen(worker.address()), ECONNRESET);
  ASSERT_TRUE(Eventually([&] { return seen.load() != -1; }));
  EXPECT_EQ(seen.load(), ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kIdle), 1u);
}

TEST(ConnectTest, AConnectionThatIsUsedIsNotIdle) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.rule().mutable_timeouts()->set_idle_ms(2'000);
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(3)) {
    ASSERT_TRUE(SendAll(client.get(), "x"));
    ASSERT_EQ(Read(client.get(), 1).data, "x");
  }
}

TEST(ConnectTest, AConnectionHalfClosedForTooLongIsReset) {
  std::atomic<bool> done{false};
  FakeBackend backend([&](UniqueFd client) {
    EXPECT_EQ(Read(client.get()).error, 0);  // The FIN. It is not answered.
    Eventually([&] { return done.load(); });
  });
  TestWorker worker;
  worker.rule().mutable_timeouts()->set_half_close_ms(200);
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  SendFin(client.get());
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kHalfClose), 1u);
  done.store(true);
}

}  // namespace
}  // namespace lb::dataplane
