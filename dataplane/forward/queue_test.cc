// Connections that wait for a backend's slot, and rules that have a limit of their own.
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// A worker with one backend of `limit` connections that echoes.
class QueueTest : public testing::Test {
 protected:
  QueueTest() : backend_(Echo) {}

  void Start(uint64_t limit, uint32_t queue_max, uint64_t timeout_ms = 60'000) {
    worker_.AddBackend("a", backend_.address(), 1, limit);
    worker_.rule().mutable_queue()->set_max(queue_max);
    worker_.rule().mutable_queue()->set_timeout_ms(timeout_ms);
    worker_.Apply();
  }

  // A client that is served: what it says comes back.
  UniqueFd Served() {
    UniqueFd client = Dial(worker_.address());
    EXPECT_TRUE(Answers(client));
    return client;
  }
  static bool Answers(const UniqueFd& client) {
    return SendAll(client.get(), "x") && Read(client.get(), 1).data == "x";
  }
  // A client that waits, once it stands in line.
  UniqueFd Waiting() {
    const uint64_t before = worker_.Sum(&RuleCounters::queued);
    UniqueFd client = Dial(worker_.address());
    EXPECT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::queued) == before + 1; }));
    return client;
  }

  const Slots& RuleSlots() const { return worker_.tables()->rules.at(0)->state->slots; }
  uint64_t Wanted(const std::string& backend) {
    for (const StateRegistry::SlotUse& use : worker_.registry().TakeSlotUse())
      if (use.key == BackendKey{"web", backend}) return use.wanted;
    return 0;
  }

  FakeBackend backend_;
  TestWorker worker_;
};

TEST_F(QueueTest, WhoWaitsIsServedInTheOrderOfArrival) {
  Start(1, 100);
  UniqueFd running = Served();
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(Waiting());
  for (UniqueFd& next : waiting) {
    running.Reset();
    // Only the first in line gets the slot: the others would hang here.
    ASSERT_TRUE(Answers(next));
    running = std::move(next);
  }
  running.Reset();
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued_total), 20u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 0u);
}

TEST_F(QueueTest, AFullQueueRefusesAtOnce) {
  Start(1, 1);
  const UniqueFd running = Served();
  const UniqueFd waiting = Waiting();
  const UniqueFd refused = Dial(worker_.address());
  EXPECT_EQ(Read(refused.get()).error, ECONNRESET);
  EXPECT_EQ(worker_.Refused(RefuseReason::kQueueFull), 1u);
}

TEST_F(QueueTest, NobodyWaitsLongerThanTheTimeout) {
  Start(1, 10, 50);
  const UniqueFd running = Served();
  const UniqueFd late = Dial(worker_.address());
  EXPECT_EQ(Read(late.get()).error, ECONNRESET);
  EXPECT_EQ(worker_.Refused(RefuseReason::kQueueTimeout), 1u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 0u);
}

TEST_F(QueueTest, AClientThatGivesUpLeavesItsPlaceToTheNext) {
  Start(1, 10);
  UniqueFd running = Served();
  UniqueFd first = Waiting();
  const UniqueFd second = Waiting();
  Reset(std::move(first));
  ASSERT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::queued) == 1; }));
  running.Reset();
  EXPECT_TRUE(Answers(second));
}

TEST_F(QueueTest, AHigherGrantServesAsManyMore) {
  Start(1, 10);
  const UniqueFd running = Served();
  const UniqueFd first = Waiting();
  const UniqueFd second = Waiting();
  const UniqueFd third = Waiting();
  // The one held and the three who wait, at least; refusals count on top.
  EXPECT_GE(Wanted("a"), 1u + 3u);
  ASSERT_TRUE(worker_.registry().Grant({"web", "a"}, 3));
  EXPECT_TRUE(Answers(first));
  EXPECT_TRUE(Answers(second));
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 1u);
}

TEST_F(QueueTest, ABackendThatIsUpAgainServesThoseWhoWait) {
  FakeBackend other(Echo);
  Start(1, 10);
  worker_.AddBackend("b", other.address(), 1, 10);
  worker_.Apply();
  ASSERT_TRUE(worker_.registry().SetHealth({"web", "b"}, Health::kUnhealthy,
                                           std::chrono::steady_clock::now()));
  const UniqueFd running = Served();
  const UniqueFd waiting = Waiting();
  ASSERT_TRUE(worker_.registry().SetHealth({"web", "b"}, Health::kHealthy,
                                           std::chrono::steady_clock::now()));
  EXPECT_TRUE(Answers(waiting));
}

TEST_F(QueueTest, ABackendAddedLaterServesThoseWhoWait) {
  FakeBackend other(Echo);
  Start(1, 10);
  const UniqueFd running = Served();
  const UniqueFd waiting = Waiting();
  worker_.AddBackend("b", other.address());
  worker_.Apply();
  EXPECT_TRUE(Answers(waiting));
  EXPECT_EQ(other.accepted(), 1);
}

// Goal: a backend that refused somebody who waits, and is up again, serves them. Method: b's port
// is closed when they arrive, the control plane says so, and later the opposite.
TEST_F(QueueTest, ABackendThatRefusedThoseWhoWaitServesThemOnceItRecovered) {
  const Endpoint address = UnusedAddress();
  std::optional<FakeBackend> b;  // Ends after its clients.
  Start(1, 10);
  worker_.AddBackend("b", address);
  worker_.Apply();
  const UniqueFd running = Served();
  const UniqueFd first = Waiting();
  const UniqueFd second = Waiting();
  ASSERT_TRUE(worker_.registry().SetHealth({"web", "b"}, Health::kUnhealthy,
                                           std::chrono::steady_clock::now()));
  b.emplace(Echo, address.ToString());
  ASSERT_TRUE(worker_.registry().SetHealth({"web", "b"}, Health::kHealthy,
                                           std::chrono::steady_clock::now()));
  EXPECT_TRUE(Answers(first));
  EXPECT_TRUE(Answers(second));
}

// Goal: who waited and got a slot whose connect then failed keeps place and deadline. Method: the
// only slot of b, which never answers, goes from one to the next; while the second tries it, the
// first is in line again before the third.
TEST_F(QueueTest, WhoseConnectFailsGoesBackToTheSamePlace) {
  const SilentBackend silent;
  worker_.rule().mutable_timeouts()->set_connect_ms(200);
  Start(1, 10);
  UniqueFd running = Served();
  const UniqueFd first = Waiting();
  const UniqueFd second = Waiting();
  const UniqueFd third = Waiting();
  worker_.AddBackend("b", silent.address(), 1, 1);
  ASSERT_TRUE(worker_.registry().Grant({"web", "b"}, 1));
  worker_.Apply();
  ASSERT_TRUE(Eventually([&] { return worker_.Sum("b", &BackendCounters::connects_total) == 2; }));
  running.Reset();
  EXPECT_TRUE(Answers(first));
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued_total), 3u);
}

TEST_F(QueueTest, AFailedConnectGivesNoMoreTimeToWait) {
  const SilentBackend silent;
  worker_.rule().mutable_timeouts()->set_connect_ms(400);
  Start(1, 10, 600);
  const UniqueFd running = Served();
  const UniqueFd late = Waiting();
  worker_.AddBackend("b", silent.address(), 1, 1);
  ASSERT_TRUE(worker_.registry().Grant({"web", "b"}, 1));
  const auto start = std::chrono::steady_clock::now();
  worker_.Apply();
  EXPECT_EQ(Read(late.get()).error, ECONNRESET);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(400 + 600));
  EXPECT_EQ(worker_.Refused(RefuseReason::kQueueTimeout), 1u);
}

// The one who waits was refused by b before, so it leaves b's room to those who come.
TEST_F(QueueTest, AFullQueueDoesNotKeepNewcomersFromAFreeBackend) {
  const Endpoint address = UnusedAddress();
  worker_.AddBackend("a", backend_.address(), 1, 1);
  worker_.AddBackend("b", address);
  worker_.rule().mutable_queue()->set_max(1);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  worker_.Apply();
  const UniqueFd running = Served();
  const UniqueFd waiting = Waiting();
  FakeBackend other(Echo, address.ToString());
  {
    const UniqueFd newcomer = Dial(worker_.address());
    EXPECT_TRUE(Answers(newcomer));
  }
  EXPECT_EQ(worker_.Refused(RefuseReason::kQueueFull), 0u);
}

// Goal: crowds on all threads get through a narrow door without a stuck or refused client. Method:
// many short connections at once, with a queue that holds them all.
TEST_F(QueueTest, ACrowdGetsThroughANarrowDoor) {
  Start(3, 1'000);
  std::vector<std::thread> clients;
  std::atomic<int> served{0};
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        const UniqueFd client = Dial(worker_.address());
        if (client.valid() && Answers(client)) served.fetch_add(1);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(served.load(), 800);
  EXPECT_GT(worker_.Sum(&RuleCounters::queued_total), 0u);
}

TEST_F(QueueTest, WithoutAQueueAFullBackendRefuses) {
  worker_.AddBackend("a", backend_.address(), 1, 1);
  worker_.Apply();
  const UniqueFd running = Served();
  const UniqueFd refused = Dial(worker_.address());
  EXPECT_EQ(Read(refused.get()).error, ECONNRESET);
  EXPECT_EQ(worker_.Refused(RefuseReason::kBackendLimit), 1u);
}

TEST_F(QueueTest, ARuleAtItsLimitRefusesBeforeAnyBackendIsTried) {
  worker_.AddBackend("a", backend_.address());
  worker_.rule().set_max_connections(2);
  ASSERT_TRUE(worker_.registry().Grant({"web", ""}, 2));
  worker_.Apply();
  UniqueFd first = Served();
  const UniqueFd second = Served();
  const UniqueFd refused = Dial(worker_.address());
  EXPECT_EQ(Read(refused.get()).error, ECONNRESET);
  EXPECT_EQ(worker_.Refused(RefuseReason::kRuleLimit), 1u);
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::connects_total), 2u);
  first.Reset();
  ASSERT_TRUE(Eventually([&] { return RuleSlots().held() == 1; }));
  EXPECT_TRUE(Answers(Served()));
}

}  // namespace
}  // namespace lb::dataplane
