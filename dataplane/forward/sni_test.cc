// Clients sent to backends by the name in their ClientHello, over real sockets.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/forward/connection_walk.h"
#include "dataplane/forward/test_net.h"
#include "dataplane/tls/client_hello.h"
#include "dataplane/tls/test_hello.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using namespace std::string_literals;
using tls::ClientHelloFor;
namespace type = lb::type::v1;

// Says who it is, then sends back what it gets.
FakeBackend::Serve Named(const std::string& name) {
  return [name](UniqueFd client) {
    if (SendAll(client.get(), name)) Echo(std::move(client));
  };
}

// The first of these whose socket has something to say: bytes or an end.
size_t FirstToHear(const std::vector<UniqueFd>& clients) {
  std::vector<pollfd> waits;
  for (const UniqueFd& client : clients) waits.push_back({client.get(), POLLIN, 0});
  const auto patience = std::chrono::milliseconds(kPatience).count();
  EXPECT_GT(::poll(waits.data(), waits.size(), static_cast<int>(patience)), 0);
  const auto heard = std::find_if(waits.begin(), waits.end(),
                                  [](const pollfd& wait) { return wait.revents != 0; });
  return static_cast<size_t>(heard - waits.begin());
}

// A worker with the routes 1 (a.example, *.a.example) and 2 (b.example), a backend for each and one
// for all other clients.
class SniTest : public testing::Test {
 protected:
  SniTest() : other_(Named("0")), a_(Named("A")), b_(Named("B")) {
    AddRoute({"a.example", "*.a.example"});
    AddRoute({"b.example"});
    worker_.rule().set_client_hello_timeout_ms(60'000);
    AddBackend("0", other_, 0);
    AddBackend("a", a_, 1);
    AddBackend("b", b_, 2);
  }

  void AddRoute(const std::vector<std::string>& names) {
    type::SniRoute& route = *worker_.rule().add_sni_routes();
    for (const std::string& name : names) route.add_names(name);
  }
  void AddBackend(const std::string& name, const FakeBackend& backend, uint32_t route,
                  uint64_t max_connections = 0) {
    worker_.AddBackend(name, backend.address(), 1, max_connections);
    worker_.rule().mutable_backends()->rbegin()->set_sni_route(route);
  }
  type::Backend& Backend(int index) { return *worker_.rule().mutable_backends(index); }

  UniqueFd DialNoDelay() {
    UniqueFd client = Dial(worker_.address());
    const int on = 1;
    EXPECT_EQ(setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return client;
  }
  UniqueFd Ask(const std::string& name) {
    UniqueFd client = Dial(worker_.address());
    EXPECT_TRUE(SendAll(client.get(), ClientHelloFor(name)));
    return client;
  }
  // The backend that takes a client which asks for this name; empty: it is refused.
  std::string Taker(const std::string& name) {
    const UniqueFd client = Ask(name);
    return Read(client.get(), 1).data;
  }
  // A client that asks for this name and waits, once it stands in line.
  UniqueFd Waiting(const std::string& name) {
    const uint64_t before = worker_.Sum(&RuleCounters::queued);
    UniqueFd client = Ask(name);
    EXPECT_TRUE(Eventually([&] { return worker_.Sum(&RuleCounters::queued) == before + 1; }));
    return client;
  }
  void ExpectRefused(const std::string& sent, RefuseReason reason) {
    const uint64_t before = worker_.Refused(reason);
    const UniqueFd client = Dial(worker_.address());
    // It may be reset in the middle of it.
    if (SendAll(client.get(), sent)) {
      SendFin(client.get());
      EXPECT_EQ(Read(client.get()).error, ECONNRESET);
    }
    EXPECT_TRUE(Eventually([&] { return worker_.Refused(reason) == before + 1; })) << sent;
  }
  uint64_t Routed(const std::string& route) const {
    uint64_t sum = 0;
    for (const RouteCounters& thread :
         worker_.tables()->rules.at(0)->state->routes.FindOrMake(route)->counters)
      sum += thread.connections_total.Read();
    return sum;
  }

  static constexpr size_t kThreads = 2;
  FakeBackend other_;
  FakeBackend a_;
  FakeBackend b_;
  TestWorker worker_{{.threads = kThreads}};
};

TEST_F(SniTest, EachNameGoesToTheBackendsOfItsRoute) {
  worker_.Apply();
  for (const auto& [name, taker] :
       std::vector<std::pair<std::string, std::string>>{{"a.example", "A"},
                                                        {"A.Example", "A"},
                                                        {"x.a.example", "A"},
                                                        {"b.example", "B"},
                                                        {"x.b.example", "0"},
                                                        {"x.y.a.example", "0"},
                                                        {"c.example", "0"},
                                                        {"", "0"}}) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Taker(name), taker) << name;
  }
  EXPECT_TRUE(worker_.Quiet());
  EXPECT_EQ(Routed("a.example"), 15u);
  EXPECT_EQ(Routed("b.example"), 5u);
  EXPECT_EQ(Routed(""), 20u);
}

TEST_F(SniTest, TheBackendGetsWhatTheClientSentUntouched) {
  worker_.Apply();
  const std::string hello = ClientHelloFor("a.example", {"h2"});
  for (const std::string& sent :
       {hello, tls::InRecordsOf(50, hello), hello + Pattern(3'000'000, 1),
        tls::ClientHelloWith({{"a.example"}}, 15'000) + Pattern(300'000, 2)}) {
    const UniqueFd client = Dial(worker_.address());
    std::thread sender([&] {
      EXPECT_TRUE(SendAll(client.get(), sent));
      SendFin(client.get());
    });
    const ReadResult answer = Read(client.get());
    sender.join();
    EXPECT_EQ(answer.error, 0);
    EXPECT_TRUE(answer.data == "A" + sent) << answer.data.size();
  }
  EXPECT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 4u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::received_bytes),
            worker_.Sum("a", &BackendCounters::sent_bytes));
}

TEST_F(SniTest, AClientHelloMayComeByteByByte) {
  worker_.Apply();
  for (const std::string& hello :
       {ClientHelloFor("b.example"), tls::InRecordsOf(1, tls::ClientHelloWith({{"b.example"}}))}) {
    UniqueFd client = DialNoDelay();
    for (const char byte : hello) ASSERT_TRUE(SendAll(client.get(), {&byte, 1}));
    EXPECT_EQ(Read(client.get(), 1 + hello.size()).data, "B" + hello);
  }
}

TEST_F(SniTest, WhatIsNoClientHelloIsRefused) {
  worker_.Apply();
  const std::string hello = ClientHelloFor("a.example");
  for (const std::string& bad :
       {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"s, ""s, hello.substr(0, 3),
        hello.substr(0, hello.size() - 1), Pattern(20'000, 1), "\x16\x03\x01\x40\0\x01\x01\0\0"s})
    ExpectRefused(bad, RefuseReason::kClientHello);
  EXPECT_EQ(other_.accepted() + a_.accepted() + b_.accepted(), 0);
  EXPECT_TRUE(worker_.Quiet());
}

TEST_F(SniTest, ASlowClientHelloIsRefused) {
  worker_.rule().set_client_hello_timeout_ms(200);
  worker_.Apply();
  const UniqueFd silent = Dial(worker_.address());
  const UniqueFd slow = Dial(worker_.address());
  ASSERT_TRUE(SendAll(slow.get(), ClientHelloFor("a.example").substr(0, 100)));
  EXPECT_EQ(Read(silent.get()).error, ECONNRESET);
  EXPECT_EQ(Read(slow.get()).error, ECONNRESET);
  EXPECT_TRUE(Eventually([&] { return worker_.Refused(RefuseReason::kTlsTimeout) == 2; }));
  EXPECT_TRUE(worker_.Quiet());
}

TEST_F(SniTest, WithoutBackendsOfTheRuleWhomNoRouteTakesIsRefused) {
  worker_.rule().mutable_backends()->DeleteSubrange(0, 1);
  worker_.Apply();
  EXPECT_EQ(Taker("a.example"), "A");
  ExpectRefused(ClientHelloFor("c.example"), RefuseReason::kSniNoMatch);
  ExpectRefused(ClientHelloFor(""), RefuseReason::kSniNoMatch);
  EXPECT_EQ(Routed(""), 2u);
  EXPECT_TRUE(worker_.Quiet());
}

TEST_F(SniTest, AFailedConnectIsTriedOnlyOnBackendsOfTheRoute) {
  FakeBackend second(Named("B"));
  Backend(1).set_address(UnusedAddress().ToString());
  Backend(2).set_address(UnusedAddress().ToString());
  AddBackend("b2", second, 2);
  worker_.Apply();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Taker("b.example"), "B");
  EXPECT_EQ(Taker("a.example"), "");
  EXPECT_EQ(worker_.Refused(RefuseReason::kConnectFailed), 1u);
}

TEST_F(SniTest, BehindAProxyHeaderTheClientHelloIsReadToo) {
  type::ProxyProtocol& proxy = *worker_.rule().mutable_proxy_protocol();
  proxy.add_accept_from("0.0.0.0/0");
  proxy.set_header_timeout_ms(60'000);
  proxy.set_send(type::ProxyProtocol::VERSION_1);
  worker_.Apply();
  const std::string header = "PROXY TCP4 192.0.2.1 198.51.100.9 1111 443\r\n";
  const std::string hello = ClientHelloFor("a.example");
  for (const size_t first :
       {size_t{10}, header.size(), header.size() + 7, header.size() + hello.size()}) {
    const UniqueFd client = DialNoDelay();
    const std::string all = header + hello;
    ASSERT_TRUE(SendAll(client.get(), all.substr(0, first)));
    ASSERT_TRUE(SendAll(client.get(), all.substr(first)));
    EXPECT_EQ(Read(client.get(), 1 + all.size()).data, "A" + all);
  }
}

// Goal: full backends of one route hold nobody else up. Method: both routes with one slot each.
TEST_F(SniTest, WhoeverWaitsForARouteHoldsUpNoOther) {
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  for (int i = 0; i < 3; ++i) Backend(i).set_max_connections(1);
  for (const std::string& name : {"0"s, "a"s, "b"s})
    ASSERT_TRUE(worker_.registry().Grant({"web", name}, 1));
  worker_.Apply();
  UniqueFd a = Ask("a.example");
  ASSERT_EQ(Read(a.get(), 1).data, "A");
  const UniqueFd waits_for_a = Waiting("a.example");
  UniqueFd b = Ask("b.example");
  EXPECT_EQ(Read(b.get(), 1).data, "B");
  const UniqueFd waits_for_b = Waiting("b.example");
  b.Reset();
  EXPECT_EQ(Read(waits_for_b.get(), 1).data, "B");
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 1u);
  a.Reset();
  EXPECT_EQ(Read(waits_for_a.get(), 1).data, "A");
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued_total), 2u);
}

// Goal: who waits wants slots of its own route's backends only.
TEST_F(SniTest, WhoWaitsWantsSlotsOfItsRoute) {
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  for (const int i : {1, 2}) Backend(i).set_max_connections(5);
  worker_.Apply();
  const UniqueFd waiting = Waiting("a.example");
  worker_.registry().TakeSlotUse();
  for (const StateRegistry::SlotUse& use : worker_.registry().TakeSlotUse())
    EXPECT_EQ(use.wanted, use.key.backend == "a" ? 1u : 0u) << use.key.backend;
}

// Goal: a client that waits follows its name to the route that takes it now, and its slot is found
// though connections of older tables hold it.
TEST_F(SniTest, WhoWaitsFollowsNewRoutes) {
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  Backend(1).set_max_connections(1);
  ASSERT_TRUE(worker_.registry().Grant({"web", "a"}, 1));
  worker_.Apply();
  UniqueFd open = Ask("a.example");
  ASSERT_EQ(Read(open.get(), 1).data, "A");
  std::vector<UniqueFd> waiting;
  waiting.push_back(Waiting("a.example"));
  waiting.push_back(Waiting("x.a.example"));
  // Backend "a" serves route 2 now, which has both names.
  worker_.rule().mutable_sni_routes(0)->clear_names();
  worker_.rule().mutable_sni_routes(0)->add_names("c.example");
  worker_.rule().mutable_sni_routes(1)->add_names("a.example");
  worker_.rule().mutable_sni_routes(1)->add_names("*.a.example");
  Backend(1).set_sni_route(2);
  worker_.rule().mutable_backends()->DeleteSubrange(2, 1);
  worker_.Apply();
  open.Reset();
  // Threads move theirs to the new line each by itself: either may stand first there.
  const size_t first = FirstToHear(waiting);
  ASSERT_LT(first, 2u);
  EXPECT_EQ(Read(waiting[first].get(), 1).data, "A");
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 1u);
  // And now it serves clients that no route takes, these among them.
  worker_.rule().mutable_sni_routes(1)->clear_names();
  worker_.rule().mutable_sni_routes(1)->add_names("b.example");
  Backend(1).set_sni_route(0);
  worker_.rule().mutable_backends()->DeleteSubrange(0, 1);
  worker_.Apply();
  shutdown(waiting[first].get(), SHUT_RDWR);
  EXPECT_EQ(Read(waiting[1 - first].get(), 1).data, "A");
}

// Goal: who stands behind one that stays where it is follows its name all the same. A slot of the
// route that takes it now is freed by a connection of that route, which knows no other line.
TEST_F(SniTest, WhoWaitsBehindAnotherFollowsNewRoutes) {
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  for (const int i : {1, 2}) Backend(i).set_max_connections(1);
  for (const std::string& name : {"a"s, "b"s})
    ASSERT_TRUE(worker_.registry().Grant({"web", name}, 1));
  worker_.Apply();
  const UniqueFd a = Ask("a.example");
  ASSERT_EQ(Read(a.get(), 1).data, "A");
  UniqueFd b = Ask("b.example");
  ASSERT_EQ(Read(b.get(), 1).data, "B");
  const UniqueFd stays = Waiting("a.example");
  const UniqueFd moves = Waiting("x.a.example");
  worker_.rule().mutable_sni_routes(0)->mutable_names()->RemoveLast();
  worker_.rule().mutable_sni_routes(1)->add_names("*.a.example");
  worker_.Apply();
  b.Reset();
  EXPECT_EQ(Read(moves.get(), 1).data, "B");
  EXPECT_EQ(worker_.Sum(&RuleCounters::queued), 1u);
}

TEST_F(SniTest, WhoWaitsIsRefusedByRoutesThatHaveNobodyForIt) {
  worker_.rule().mutable_queue()->set_max(10);
  worker_.rule().mutable_queue()->set_timeout_ms(60'000);
  Backend(0).set_max_connections(1);
  worker_.Apply();
  const UniqueFd waiting = Waiting("c.example");
  worker_.rule().mutable_backends()->DeleteSubrange(0, 1);
  worker_.Apply();
  EXPECT_EQ(Read(waiting.get()).error, ECONNRESET);
  EXPECT_EQ(worker_.Refused(RefuseReason::kSniNoMatch), 1u);
}

TEST_F(SniTest, OpenConnectionsOutliveTheirRoute) {
  worker_.Apply();
  const UniqueFd client = Ask("a.example");
  ASSERT_EQ(Read(client.get(), 1).data, "A");
  worker_.rule().clear_sni_routes();
  worker_.rule().mutable_backends()->DeleteSubrange(1, 2);
  Backend(0).set_sni_route(0);
  worker_.Apply();
  ASSERT_TRUE(SendAll(client.get(), "more"));
  const size_t hello_bytes = ClientHelloFor("a.example").size();
  EXPECT_EQ(Read(client.get(), hello_bytes + 4).data.substr(hello_bytes), "more");
  // Without routes nothing is read before a backend is chosen.
  EXPECT_EQ(Read(Dial(worker_.address()).get(), 1).data, "0");
}

// Each I/O thread has its part of the bound: the first client is the oldest of one of them.
TEST_F(SniTest, TheOldestOfTooManySilentClientsGivesWay) {
  worker_.Apply();
  std::vector<UniqueFd> silent;
  silent.push_back(Dial(worker_.address()));
  pollfd first{.fd = silent.front().get(), .events = POLLIN, .revents = 0};
  while (::poll(&first, 1, 0) == 0 && silent.size() < 2 * 4'096)
    silent.push_back(Dial(worker_.address()));
  EXPECT_GT(silent.size(), 4'096u / 2);
  ASSERT_GT(worker_.Refused(RefuseReason::kTlsTimeout), 0u);
  EXPECT_EQ(Read(silent.front().get()).error, ECONNRESET);
  EXPECT_EQ(Taker("a.example"), "A");
}

TEST_F(SniTest, ListsTellTheNameThatTheClientAsksFor) {
  worker_.Apply();
  const UniqueFd client = Ask("X.a.example");
  ASSERT_EQ(Read(client.get(), 1).data, "A");
  ConnectionFilter filter;
  filter.backend = "a";
  const auto walk =
      std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kList, filter, 10, kThreads);
  worker_.forwarder().Run(walk);
  ASSERT_TRUE(Eventually([&] { return walk->done(); }));
  const std::vector<ConnectionInfo> found = walk->TakeFound();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].rule, "web");
  EXPECT_EQ(found[0].tls.sni, "x.a.example");
  EXPECT_EQ(found[0].tls.version, "");
}

}  // namespace
}  // namespace lb::dataplane
