// Lists and kills over all threads, while traffic flows.
#include "dataplane/forward/connection_walk.h"

#include <cerrno>
#include <thread>

#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr size_t kThreads = 3;

class ConnectionWalkTest : public testing::Test {
 protected:
  ConnectionWalkTest() {
    worker_.AddBackend("a", a_.address());
    worker_.AddBackend("b", b_.address());
    worker_.Apply();
  }

  void Open(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(Dial(worker_.address()));
      ASSERT_TRUE(SendAll(clients_.back().get(), "x"));
      ASSERT_EQ(Read(clients_.back().get(), 1).data, "x");
    }
  }

  std::shared_ptr<ConnectionWalk> Start(ConnectionWalk::Task task, ConnectionFilter filter,
                                        size_t limit = 1'000) {
    auto walk = std::make_shared<ConnectionWalk>(task, std::move(filter), limit, kThreads);
    worker_.forwarder().Run(walk);
    return walk;
  }

  std::shared_ptr<ConnectionWalk> Finish(ConnectionWalk::Task task, ConnectionFilter filter,
                                         size_t limit = 1'000) {
    auto walk = Start(task, std::move(filter), limit);
    if (task == ConnectionWalk::Task::kKill) walk->Allow(1'000'000);
    worker_.forwarder().Run(walk);
    EXPECT_TRUE(Eventually([&] { return walk->done(); }));
    return walk;
  }

  static ConnectionFilter Clients(const char* cidr) {
    return {.rule = "", .backend = "", .client = Cidr::Parse(cidr).value()};
  }

  FakeBackend a_{Echo};
  FakeBackend b_{Echo};
  TestWorker worker_{{.threads = kThreads}};
  std::vector<UniqueFd> clients_;
};

TEST_F(ConnectionWalkTest, ListsWhatIsOpenOnEveryThread) {
  Open(20);
  const auto walk = Finish(ConnectionWalk::Task::kList, {});
  EXPECT_EQ(walk->matching(), 20u);
  const std::vector<ConnectionInfo> found = walk->TakeFound();
  ASSERT_EQ(found.size(), 20u);
  for (const ConnectionInfo& info : found) {
    EXPECT_EQ(info.rule, "web");
    EXPECT_EQ(info.backend_address, (info.backend == "a" ? a_ : b_).address().ToString());
    EXPECT_EQ(info.listen, worker_.address().ToString());
    EXPECT_EQ(info.client.rfind("127.0.0.1:", 0), 0u) << info.client;
    EXPECT_EQ(info.received_bytes, 1u);
    EXPECT_EQ(info.sent_bytes, 1u);
  }
}

TEST_F(ConnectionWalkTest, CountsMoreThanItLists) {
  Open(10);
  const auto walk = Finish(ConnectionWalk::Task::kList, {}, 3);
  EXPECT_EQ(walk->matching(), 10u);
  EXPECT_EQ(walk->TakeFound().size(), 3u);
}

TEST_F(ConnectionWalkTest, KillsThoseOfABackendAndNoOther) {
  Open(20);
  const uint64_t of_b = worker_.Sum("b", &BackendCounters::connections);
  const auto walk =
      Finish(ConnectionWalk::Task::kKill, {.rule = "web", .backend = "a", .client = {}});
  EXPECT_EQ(walk->matching(), 20 - of_b);
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::connections), 0u);
  EXPECT_EQ(worker_.Sum("b", &BackendCounters::connections), of_b);
  EXPECT_EQ(worker_.Closed(CloseReason::kKilled), 20 - of_b);
  uint64_t reset = 0;
  for (const UniqueFd& client : clients_) {
    const bool sent = SendAll(client.get(), "y");
    const ReadResult answer = Read(client.get(), 1);
    if (!sent || answer.error == ECONNRESET)
      ++reset;
    else
      EXPECT_EQ(answer.data, "y");
  }
  EXPECT_EQ(reset, 20 - of_b);
}

TEST_F(ConnectionWalkTest, PicksByClientAddress) {
  Open(5);
  EXPECT_EQ(Finish(ConnectionWalk::Task::kKill, Clients("10.0.0.0/8"))->matching(), 0u);
  EXPECT_EQ(Finish(ConnectionWalk::Task::kKill, Clients("127.0.0.0/8"))->matching(), 5u);
}

TEST_F(ConnectionWalkTest, KillsNoMoreThanItMay) {
  Open(10);
  const auto walk = Start(ConnectionWalk::Task::kKill, {});
  walk->Allow(4);
  worker_.forwarder().Run(walk);
  ASSERT_TRUE(Eventually([&] { return worker_.forwarder().connections() == 6; }));
  // Every thread has had its turn, and has nothing left to go on with.
  EXPECT_TRUE(worker_.forwarder().Alive(kPatience));
  EXPECT_EQ(worker_.forwarder().connections(), 6u);
  EXPECT_FALSE(walk->done());
  walk->Allow(6);
  worker_.forwarder().Run(walk);
  ASSERT_TRUE(Eventually([&] { return walk->done(); }));
  EXPECT_EQ(worker_.forwarder().connections(), 0u);
}

// Goal: walks are safe beside connections that come, move data and end. Method: clients do so while
// lists and kills of everything run, with places that wait for leave; for the sanitizers.
TEST_F(ConnectionWalkTest, WalksBesideTraffic) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop.load()) {
        UniqueFd client = Dial(worker_.address());
        if (SendAll(client.get(), "ping")) Read(client.get(), 4);
      }
    });
  uint64_t killed = 0;
  for (int i = 0; i < 50 || killed == 0; ++i) {
    Finish(ConnectionWalk::Task::kList, {});
    const auto kill = Start(ConnectionWalk::Task::kKill, {});
    kill->Allow(1);
    worker_.forwarder().Run(kill);
    killed += Finish(ConnectionWalk::Task::kKill, {})->matching();
    kill->Allow(1'000);
    worker_.forwarder().Run(kill);
    ASSERT_TRUE(Eventually([&] { return kill->done(); }));
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(worker_.Closed(CloseReason::kKilled), 0u);
  EXPECT_TRUE(worker_.Quiet());
}

}  // namespace
}  // namespace lb::dataplane
