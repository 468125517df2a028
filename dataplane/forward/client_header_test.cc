// Who may connect, and what a PROXY header says about who that is: over real sockets.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "dataplane/forward/connection_walk.h"
#include "dataplane/forward/test_net.h"
#include "dataplane/proxy/write.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using namespace std::string_literals;
namespace type = lb::type::v1;

const std::string kV1 = "PROXY TCP4 192.0.2.1 198.51.100.9 1111 443\r\n";
const std::string kV2Local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"s;

proxy::Address At(const std::string& endpoint) {
  return proxy::Address::From(Endpoint::Parse(endpoint)->ToSocketAddress());
}

std::string V2(const std::string& source, const std::string& destination) {
  return proxy::WriteHeader(proxy::Version::k2, At(source), At(destination));
}

// The address of a socket's own end.
std::string OwnText(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length), 0);
  return Endpoint::FromSocketAddress(address)->ToString();
}

// A worker in front of one backend that sends back what it gets.
class ClientHeaderTest : public testing::Test {
 protected:
  ClientHeaderTest() : backend_(Echo) { worker_.AddBackend("a", backend_.address()); }

  type::ProxyProtocol& Accept(const std::vector<std::string>& from = {"0.0.0.0/0", "::/0"}) {
    type::ProxyProtocol& settings = *worker_.rule().mutable_proxy_protocol();
    settings.clear_accept_from();
    for (const std::string& network : from) settings.add_accept_from(network);
    settings.set_refuse_others(true);
    settings.set_header_timeout_ms(60'000);
    return settings;
  }

  // What the backend got of `sent` and a FIN.
  ReadResult Exchange(const std::string& sent) {
    UniqueFd client = Dial(worker_.address());
    // A refused client may be reset in the middle of it.
    if (!SendAll(client.get(), sent)) return {.data = "", .error = ECONNRESET};
    SendFin(client.get());
    return Read(client.get());
  }

  void ExpectRefused(const std::string& sent, RefuseReason reason) {
    const uint64_t before = worker_.Refused(reason);
    EXPECT_EQ(Exchange(sent).error, ECONNRESET) << sent;
    EXPECT_TRUE(Eventually([&] { return worker_.Refused(reason) == before + 1; })) << sent;
  }

  std::vector<ConnectionInfo> List(const ConnectionFilter& filter = {}) {
    constexpr size_t kThreads = 2;  // TestWorker's.
    const auto walk =
        std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kList, filter, 10, kThreads);
    worker_.forwarder().Run(walk);
    EXPECT_TRUE(Eventually([&] { return walk->done(); }));
    return walk->TakeFound();
  }

  FakeBackend backend_;
  TestWorker worker_;
};

TEST_F(ClientHeaderTest, ADeniedClientIsResetAndCounted) {
  worker_.rule().add_deny("127.0.0.0/8");
  worker_.Apply();
  ExpectRefused("hello", RefuseReason::kDenied);
  EXPECT_EQ(backend_.accepted(), 0);
  EXPECT_EQ(worker_.Sum(&RuleCounters::connections_total), 0u);
  worker_.rule().add_allow("127.0.0.1");
  worker_.Apply();
  EXPECT_EQ(Exchange("hello").data, "hello");
}

TEST_F(ClientHeaderTest, OpenConnectionsOutliveTheListThatLetThemIn) {
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), "1"));
  ASSERT_EQ(Read(client.get(), 1).data, "1");
  worker_.rule().add_allow("10.0.0.0/8");
  worker_.Apply();
  ExpectRefused("hello", RefuseReason::kDenied);
  ASSERT_TRUE(SendAll(client.get(), "2"));
  EXPECT_EQ(Read(client.get(), 1).data, "2");
}

TEST_F(ClientHeaderTest, WhatFollowsTheHeaderIsAllThatTheBackendGets) {
  Accept();
  worker_.Apply();
  const std::string data = Pattern(300'000, 1);
  for (const std::string& header :
       {kV1, V2("192.0.2.1:1", "192.0.2.2:2"), V2("[2001:db8::1]:1", "[2001:db8::2]:2"), kV2Local,
        "PROXY UNKNOWN\r\n"s}) {
    const ReadResult answer = Exchange(header + data);
    EXPECT_EQ(answer.error, 0);
    EXPECT_TRUE(answer.data == data) << answer.data.size();
  }
  EXPECT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 5u);
}

TEST_F(ClientHeaderTest, AHeaderMayComeByteByByte) {
  Accept();
  worker_.Apply();
  for (const std::string& header : {kV1, V2("192.0.2.1:1", "192.0.2.2:2")}) {
    UniqueFd client = Dial(worker_.address());
    const int on = 1;
    ASSERT_EQ(setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    for (const char byte : header + "hello") ASSERT_TRUE(SendAll(client.get(), {&byte, 1}));
    EXPECT_EQ(Read(client.get(), 5).data, "hello");
  }
}

TEST_F(ClientHeaderTest, TheLargestHeaderIsReadAndALargerOneRefused) {
  Accept();
  worker_.Apply();
  constexpr size_t kBlockBytes = 4096 - 16;
  std::string header = V2("192.0.2.1:1", "192.0.2.2:2");
  const size_t noop_bytes = kBlockBytes - 12 - 3;
  header[14] = static_cast<char>(kBlockBytes >> 8);
  header[15] = static_cast<char>(kBlockBytes & 0xff);
  header += "\x04"s + static_cast<char>(noop_bytes >> 8) + static_cast<char>(noop_bytes & 0xff);
  header += std::string(noop_bytes, 'n');
  ASSERT_EQ(header.size(), 4096u);
  EXPECT_EQ(Exchange(header + "hello").data, "hello");
  header[15] = static_cast<char>(header[15] + 1);
  ExpectRefused(header + "n", RefuseReason::kProxyHeader);
}

TEST_F(ClientHeaderTest, WhatIsNoHeaderIsRefused) {
  Accept();
  worker_.Apply();
  for (const std::string& bad : {"GET / HTTP/1.1\r\n\r\n"s, "PROXY TCP4 1.2.3.4\r\n"s,
                                 "PROXY TCP4 192.0.2.1 192.0"s, ""s, kV2Local.substr(0, 15)})
    ExpectRefused(bad, RefuseReason::kProxyHeader);
  EXPECT_EQ(backend_.accepted(), 0);
  EXPECT_TRUE(worker_.Quiet());
}

TEST_F(ClientHeaderTest, ASlowHeaderIsRefused) {
  Accept().set_header_timeout_ms(200);
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), kV1.substr(0, 10)));
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  EXPECT_TRUE(Eventually([&] { return worker_.Refused(RefuseReason::kProxyHeader) == 1; }));
  EXPECT_TRUE(worker_.Quiet());
}

TEST_F(ClientHeaderTest, OnlyTrustedClientsSendOne) {
  Accept({"10.0.0.0/8"});
  worker_.Apply();
  ExpectRefused(kV1, RefuseReason::kProxyHeader);
  worker_.rule().mutable_proxy_protocol()->set_refuse_others(false);
  worker_.Apply();
  // Not parsed: it is the backend's.
  EXPECT_EQ(Exchange(kV1).data, kV1);
  Accept({"127.0.0.0/8"});
  worker_.Apply();
  EXPECT_EQ(Exchange(kV1 + "hello").data, "hello");
}

TEST_F(ClientHeaderTest, TheAccessListIsAboutTheClientOfTheHeader) {
  Accept({"127.0.0.0/8"});
  worker_.rule().add_allow("192.0.2.0/24");
  worker_.Apply();
  EXPECT_EQ(Exchange(kV1 + "hello").data, "hello");
  ExpectRefused(V2("203.0.113.1:1", "192.0.2.2:2"), RefuseReason::kDenied);
  ExpectRefused(V2("[2001:db8::1]:1", "[2001:db8::2]:2"), RefuseReason::kDenied);
  ExpectRefused(kV2Local, RefuseReason::kDenied);  // The socket's own address, then.
}

TEST_F(ClientHeaderTest, ConnectionsAreListedAndKilledByTheClientOfTheHeader) {
  Accept();
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(SendAll(client.get(), kV1 + "1"));
  ASSERT_EQ(Read(client.get(), 1).data, "1");
  ASSERT_EQ(List().size(), 1u);
  EXPECT_EQ(List()[0].client, "192.0.2.1:1111");
  EXPECT_EQ(List()[0].listen, worker_.address().ToString());
  ConnectionFilter filter;
  filter.client = Cidr::Parse("127.0.0.0/8").value();
  EXPECT_TRUE(List(filter).empty());
  filter.client = Cidr::Parse("192.0.2.0/24").value();
  EXPECT_EQ(List(filter).size(), 1u);
}

TEST_F(ClientHeaderTest, TheBackendIsToldWhoTheClientIs) {
  for (const auto version : {proxy::Version::k1, proxy::Version::k2}) {
    worker_.rule().mutable_proxy_protocol()->set_send(version == proxy::Version::k1
                                                          ? type::ProxyProtocol::VERSION_1
                                                          : type::ProxyProtocol::VERSION_2);
    worker_.Apply();
    UniqueFd client = Dial(worker_.address());
    const std::string header =
        proxy::WriteHeader(version, At(OwnText(client.get())), At(worker_.address().ToString()));
    // It comes without waiting for the client to say something.
    EXPECT_EQ(Read(client.get(), header.size()).data, header);
    ASSERT_TRUE(SendAll(client.get(), "hello"));
    EXPECT_EQ(Read(client.get(), 5).data, "hello");
  }
}

TEST_F(ClientHeaderTest, TheClientOfAHeaderIsPassedOn) {
  Accept().set_send(type::ProxyProtocol::VERSION_1);
  worker_.Apply();
  EXPECT_EQ(Exchange(V2("192.0.2.1:1", "192.0.2.2:2") + "hello").data,
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nhello");
  EXPECT_EQ(Exchange(V2("[2001:db8::1]:1", "[2001:db8::2]:2") + "hello").data,
            "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\nhello");
}

TEST_F(ClientHeaderTest, UnixSocketsGetAHeaderToo) {
  // TEST_TMPDIR may be longer than the address of a unix socket.
  char folder[] = "/tmp/lb-header-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/backend.sock";
  FakeBackend on_unix(Echo, "unix:" + path);
  worker_.rule().clear_backends();
  worker_.AddBackend("u", on_unix.address());
  Accept().set_send(type::ProxyProtocol::VERSION_1);
  worker_.Apply();
  EXPECT_EQ(Exchange(kV1 + "hello").data, kV1 + "hello");
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder), 0);
}

// The backend that refused got nothing, the next one all of it.
TEST_F(ClientHeaderTest, ARetriedConnectSendsOneHeader) {
  worker_.rule().clear_backends();
  worker_.AddBackend("a", UnusedAddress());
  worker_.AddBackend("b", backend_.address());
  Accept().set_send(type::ProxyProtocol::VERSION_1);
  worker_.Apply();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Exchange(kV1 + "hello").data, kV1 + "hello");
  EXPECT_GT(worker_.Sum(&RuleCounters::retries), 0u);
}

}  // namespace
}  // namespace lb::dataplane
