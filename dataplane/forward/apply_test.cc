// New tables under way, and what they leave alone.
#include <sys/socket.h>

#include <cerrno>

#include "base/prng.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::type::v1::Rule;

bool EchoWorks(const Endpoint& address) {
  UniqueFd client = Dial(address);
  if (!client.valid() || !SendAll(client.get(), "hello")) return false;
  SendFin(client.get());
  const ReadResult answer = Read(client.get());
  return answer.error == 0 && answer.data == "hello";
}

// The worker's rule under another name, sorted before it.
Rule Other(TestWorker& worker) {
  Rule rule = worker.rule();
  rule.set_name("other");
  return rule;
}

// Goal: reloads never touch a connection. Method: 200 tables that change weights, backends, limits
// and other rules while clients move data and new ones come; every byte is compared.
TEST(ApplyTest, TwoHundredReloadsUnderTransferTouchNoConnection) {
  FakeBackend a(Echo);
  FakeBackend b(Echo);
  TestWorker worker({.threads = 3});
  worker.AddBackend("a", a.address());
  worker.Apply();
  const Endpoint address = worker.address();
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> rounds{0};
  std::vector<std::thread> clients;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    clients.emplace_back([&, seed] {
      UniqueFd lasting = Dial(address);
      while (!stop.load()) {
        const std::string data = Pattern(50'000, seed + rounds.fetch_add(1));
        ASSERT_TRUE(SendAll(lasting.get(), data));
        ASSERT_TRUE(Read(lasting.get(), data.size()).data == data);
        ASSERT_TRUE(EchoWorks(address));
      }
    });
  }
  Prng random(1);
  for (int i = 0; i < 200; ++i) {
    worker.rule().clear_backends();
    worker.AddBackend("a", a.address(), static_cast<uint32_t>(1 + random.Below(9)));
    if (random.Chance(1, 2)) worker.AddBackend("b", b.address(), 3);
    if (random.Chance(1, 2))
      worker.Apply({Other(worker)});
    else
      worker.Apply();
  }
  ASSERT_TRUE(Eventually([&] { return rounds.load() > 50; }));
  stop.store(true);
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kNormal), worker.Sum(&RuleCounters::connections_total));
}

TEST(ApplyTest, AnAddressInUseIsToldAndNothingChanges) {
  FakeBackend backend(Echo);
  FakeBackend taken(Echo);  // Listens without SO_REUSEPORT.
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  const Endpoint address = worker.address();
  const auto tables = std::make_shared<Tables>(*worker.tables());
  // The rule in force would vanish, one good rule and one bad rule would come.
  tables->rules.clear();
  for (const char* name : {"bad", "good"}) {
    auto rule = std::make_shared<RuleTable>(*worker.tables()->rules[0]);
    rule->name = name;
    if (rule->name == "bad") rule->listen = taken.address();
    tables->rules.push_back(rule);
  }
  const size_t descriptors = OpenDescriptors();
  const std::vector<Forwarder::BindFailure> failures = worker.forwarder().Apply(tables);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].rule, "bad");
  EXPECT_EQ(failures[0].listen, taken.address());
  EXPECT_EQ(failures[0].error, EADDRINUSE);
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_EQ(worker.forwarder().listening("good"), std::nullopt);
  EXPECT_EQ(worker.address(), address);
  EXPECT_TRUE(EchoWorks(address));
}

TEST(ApplyTest, ARemovedRuleStopsListeningAndItsConnectionsGoOn) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply({Other(worker)});
  const Endpoint address = worker.forwarder().listening("other").value();
  UniqueFd client = Dial(address);
  ASSERT_TRUE(SendAll(client.get(), "1"));
  ASSERT_EQ(Read(client.get(), 1).data, "1");
  worker.Apply();
  EXPECT_FALSE(Dial(address).valid());
  EXPECT_EQ(errno, ECONNREFUSED);
  EXPECT_EQ(worker.forwarder().listening("other"), std::nullopt);
  EXPECT_EQ(worker.forwarder().connections(), 1u);
  ASSERT_TRUE(SendAll(client.get(), "2"));
  EXPECT_EQ(Read(client.get(), 1).data, "2");
}

TEST(ApplyTest, WhoeverWaitedAtARemovedRuleIsServed) {
  FakeBackend backend(Echo);
  TestWorker worker({.threads = 4});
  worker.AddBackend("a", backend.address());
  for (int round = 0; round < 20; ++round) {
    worker.Apply({Other(worker)});
    const Endpoint address = worker.forwarder().listening("other").value();
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(Dial(address));
    worker.Apply();
    for (const UniqueFd& client : clients) {
      ASSERT_TRUE(SendAll(client.get(), "x"));
      ASSERT_EQ(Read(client.get(), 1).data, "x");
    }
  }
}

TEST(ApplyTest, AnAddressThatMovesToAnotherRuleRefusesNobody) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.rule().set_listen(UnusedAddress().ToString());
  worker.Apply();
  const Endpoint address = worker.address();
  std::atomic<bool> stop{false};
  std::atomic<int> served{0};
  std::thread client([&] {
    while (!stop.load()) {
      ASSERT_TRUE(EchoWorks(address));
      served.fetch_add(1);
    }
  });
  const std::string moving = worker.rule().listen();
  for (int i = 0; i < 50; ++i) {
    Rule other = Other(worker);
    worker.rule().set_listen("127.0.0.1:0");
    other.set_listen(moving);
    worker.Apply({other});
    EXPECT_EQ(worker.forwarder().listening("other"), address);
    worker.rule().set_listen(moving);
    worker.Apply();
  }
  ASSERT_TRUE(Eventually([&] { return served.load() > 100; }));
  stop.store(true);
  client.join();
}

TEST(ApplyTest, StoppingAndResumingLeavesConnectionsAlone) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.rule().set_listen(UnusedAddress().ToString());
  worker.AddBackend("a", backend.address());
  worker.Apply();
  const Endpoint address = worker.address();
  UniqueFd client = Dial(address);
  ASSERT_TRUE(SendAll(client.get(), "1"));
  ASSERT_EQ(Read(client.get(), 1).data, "1");
  worker.forwarder().StopAccepting();
  EXPECT_FALSE(Dial(address).valid());
  EXPECT_EQ(worker.forwarder().listening("web"), std::nullopt);
  worker.AddBackend("b", backend.address());
  worker.Apply();  // New tables while stopped do not listen.
  EXPECT_FALSE(Dial(address).valid());
  ASSERT_TRUE(SendAll(client.get(), "2"));
  ASSERT_EQ(Read(client.get(), 1).data, "2");
  EXPECT_TRUE(worker.forwarder().ResumeAccepting().empty());
  EXPECT_TRUE(EchoWorks(address));
}

TEST(ApplyTest, ResumingWhereSomebodyElseListensFails) {
  TestWorker worker;
  worker.rule().set_listen(UnusedAddress().ToString());
  worker.Apply();
  const std::string address = worker.address().ToString();
  worker.forwarder().StopAccepting();
  {
    FakeBackend other(Echo, address);
    EXPECT_EQ(worker.forwarder().ResumeAccepting().size(), 1u);
    EXPECT_EQ(worker.forwarder().listening("web"), std::nullopt);
  }
  EXPECT_TRUE(worker.forwarder().ResumeAccepting().empty());
}

TEST(ApplyTest, ClosingConnectionsResetsThemAndCountsADrain) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address(), 1, 10);
  worker.Apply();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Dial(worker.address()));
    ASSERT_TRUE(SendAll(clients.back().get(), "x"));
    ASSERT_EQ(Read(clients.back().get(), 1).data, "x");
  }
  EXPECT_EQ(worker.forwarder().connections(), 10u);
  worker.forwarder().CloseConnections();
  EXPECT_EQ(worker.forwarder().connections(), 0u);
  EXPECT_EQ(worker.Slots("a").held, 0u);
  EXPECT_EQ(worker.Closed(CloseReason::kDrain), 10u);
  for (const UniqueFd& client : clients) EXPECT_EQ(Read(client.get()).error, ECONNRESET);
}

TEST(ApplyTest, RunningThreadsAnswerThePing) {
  TestWorker worker({.threads = 4});
  EXPECT_TRUE(worker.forwarder().Alive(kPatience));
}

// Goal: a backend that is removed and returns while connections hold it keeps its limit.
TEST(ApplyTest, AReturningBackendStillCountsItsOldConnections) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address(), 1, 1);
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(SendAll(client.get(), "x"));
  ASSERT_EQ(Read(client.get(), 1).data, "x");
  worker.rule().clear_backends();
  worker.Apply();
  worker.AddBackend("a", backend.address(), 1, 1);
  worker.Apply();
  EXPECT_FALSE(EchoWorks(worker.address()));
  EXPECT_EQ(worker.Refused(RefuseReason::kBackendLimit), 1u);
  client.Reset();
  ASSERT_TRUE(worker.Quiet());
  EXPECT_TRUE(EchoWorks(worker.address()));
}

TEST(ApplyTest, ALimitSetLaterCountsTheConnectionsThereAre) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(SendAll(client.get(), "x"));
  ASSERT_EQ(Read(client.get(), 1).data, "x");
  EXPECT_TRUE(worker.registry().TakeSlotUse().empty());  // Nobody divides what has no limit.
  worker.rule().clear_backends();
  worker.AddBackend("a", backend.address(), 1, 1);
  worker.Apply();
  EXPECT_EQ(worker.Slots("a").held, 1u);
  EXPECT_FALSE(EchoWorks(worker.address()));
  EXPECT_EQ(worker.Refused(RefuseReason::kBackendLimit), 1u);
  client.Reset();
  ASSERT_TRUE(worker.Quiet());
  EXPECT_TRUE(EchoWorks(worker.address()));
}

}  // namespace
}  // namespace lb::dataplane
