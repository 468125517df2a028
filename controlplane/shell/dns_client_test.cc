#include "controlplane/shell/dns_client.h"

#include <algorithm>

#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"
#include "tests/fakes/dns/fake_dns_server.h"

namespace lb::controlplane {
namespace {

using fakes::FakeDnsServer;
using std::chrono::milliseconds;
using Type = FakeDnsServer::Type;
using Manner = FakeDnsServer::Manner;

class DnsClientTest : public testing::Test {
 protected:
  Resolved Resolve(const std::string& name, milliseconds timeout = milliseconds(10'000)) {
    ResolveName request;
    request.query = ++query_;
    request.name = Endpoint::Parse(name).value();
    request.dns.servers = {server_.endpoint()};
    request.dns.timeout = timeout;
    dns_client_.Start(request);
    EXPECT_TRUE(loop_.RunUntil([this] { return loop_.Of<Resolved>().size() == query_; }));
    const Resolved result = loop_.Of<Resolved>().back();
    EXPECT_EQ(result.query, query_);
    return result;
  }

  static std::vector<std::string> Texts(const Resolved& result) {
    std::vector<std::string> texts;
    for (const Endpoint& endpoint : result.endpoints) texts.push_back(endpoint.ToString());
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  TestLoop loop_;
  FakeDnsServer server_{loop_.io()};
  DnsClient dns_client_{loop_.io(), loop_.sink()};
  QueryId query_ = 0;
};

using Strings = std::vector<std::string>;

TEST_F(DnsClientTest, MergesAAndAaaaAndGivesTheSmallestTtl) {
  server_.Set("app.test", Type::kA,
              {Manner::kAnswer, {FakeDnsServer::A("10.0.0.1"), FakeDnsServer::A("10.0.0.2")}, 60});
  server_.Set("app.test", Type::kAaaa, {Manner::kAnswer, {FakeDnsServer::Aaaa("fd00::1")}, 20});
  const Resolved result = Resolve("app.test:8080");
  EXPECT_TRUE(result.error.ok()) << result.error;
  EXPECT_EQ(Texts(result), (Strings{"10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080"}));
  EXPECT_EQ(result.ttl, milliseconds(20'000));
}

TEST_F(DnsClientTest, OneAddressFamilyIsEnough) {
  server_.Set("v6.test", Type::kAaaa, {Manner::kAnswer, {FakeDnsServer::Aaaa("fd00::1")}, 5});
  EXPECT_EQ(Texts(Resolve("v6.test:1")), (Strings{"[fd00::1]:1"}));
}

TEST_F(DnsClientTest, SrvGivesTheAddressesAndPortsOfItsBestTargets) {
  server_.Set("_http._tcp.app.test", Type::kSrv,
              {Manner::kAnswer,
               {FakeDnsServer::Srv(1, 8001, "a.test"), FakeDnsServer::Srv(1, 8002, "b.test"),
                FakeDnsServer::Srv(1, 8003, "gone.test"), FakeDnsServer::Srv(9, 8004, "far.test")},
               50});
  server_.Set("a.test", Type::kA, {Manner::kAnswer, {FakeDnsServer::A("10.0.0.1")}, 40});
  server_.Set("b.test", Type::kA, {Manner::kAnswer, {FakeDnsServer::A("10.0.0.2")}, 30});
  server_.Set("far.test", Type::kA, {Manner::kAnswer, {FakeDnsServer::A("10.0.0.4")}, 30});
  const Resolved result = Resolve("_http._tcp.app.test");
  EXPECT_TRUE(result.error.ok()) << result.error;
  EXPECT_EQ(Texts(result), (Strings{"10.0.0.1:8001", "10.0.0.2:8002"}));
  EXPECT_EQ(result.ttl, milliseconds(30'000));
}

TEST_F(DnsClientTest, ASrvTargetWithoutAnswerFailsTheWholeSoThatNoBackendIsTakenForRemoved) {
  server_.Set("_http._tcp.app.test", Type::kSrv,
              {Manner::kAnswer,
               {FakeDnsServer::Srv(1, 8001, "a.test"), FakeDnsServer::Srv(1, 8002, "b.test")},
               50});
  server_.Set("a.test", Type::kA, {Manner::kAnswer, {FakeDnsServer::A("10.0.0.1")}, 40});
  server_.Set("b.test", Type::kA, {Manner::kServerFailure, {}, 0});
  server_.Set("b.test", Type::kAaaa, {Manner::kServerFailure, {}, 0});
  const Resolved result = Resolve("_http._tcp.app.test");
  EXPECT_FALSE(result.error.ok());
  EXPECT_TRUE(result.endpoints.empty());
}

TEST_F(DnsClientTest, AnUnknownNameIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(Resolve("nowhere.test:80").error));
  EXPECT_TRUE(absl::IsNotFound(Resolve("_http._tcp.nowhere.test").error));
}

TEST_F(DnsClientTest, AFailingServerIsAnErrorOfItsOwn) {
  server_.Set("app.test", Type::kA, {Manner::kServerFailure, {}, 0});
  server_.Set("app.test", Type::kAaaa, {Manner::kServerFailure, {}, 0});
  const Resolved result = Resolve("app.test:80");
  EXPECT_FALSE(result.error.ok());
  EXPECT_FALSE(absl::IsNotFound(result.error)) << result.error;
}

TEST_F(DnsClientTest, SilenceAndGarbageEndWithinTheTimeoutAndTheNextQueryWorks) {
  for (const Manner manner : {Manner::kSilence, Manner::kGarbage}) {
    for (const Type type : {Type::kA, Type::kAaaa, Type::kSrv}) {
      server_.Set("app.test", type, {manner, {}, 0});
      server_.Set("_http._tcp.app.test", type, {manner, {}, 0});
    }
    EXPECT_FALSE(Resolve("app.test:80", milliseconds(300)).error.ok());
    EXPECT_FALSE(Resolve("_http._tcp.app.test", milliseconds(300)).error.ok());
  }
  server_.Set("app.test", Type::kA, {Manner::kAnswer, {FakeDnsServer::A("10.0.0.1")}, 60});
  server_.Set("app.test", Type::kAaaa, {});
  EXPECT_EQ(Texts(Resolve("app.test:80")), (Strings{"10.0.0.1:80"}));
}

TEST_F(DnsClientTest, NamesOfTheHostsFileNeedNoServer) {
  const Resolved result = Resolve("localhost:80");
  EXPECT_TRUE(result.error.ok()) << result.error;
  const Strings texts = Texts(result);
  EXPECT_TRUE(std::count(texts.begin(), texts.end(), "127.0.0.1:80") == 1);
  EXPECT_EQ(server_.questions(), 0u);
}

TEST_F(DnsClientTest, ManyQueriesAtOnceEachGetTheirOwnAnswer) {
  constexpr size_t kNames = DnsClient::kMaxInFlight + 50;
  for (size_t i = 0; i < kNames; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    const std::string ip = "10.1." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1);
    server_.Set(name, Type::kA, {Manner::kAnswer, {FakeDnsServer::A(ip)}, 60});
    ResolveName request;
    request.query = i;
    request.name = Endpoint::Parse(name + ":80").value();
    request.dns.servers = {server_.endpoint()};
    request.dns.timeout = milliseconds(20'000);
    dns_client_.Start(request);
  }
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<Resolved>().size() == kNames; }));
  for (const Resolved& result : loop_.Of<Resolved>()) {
    ASSERT_EQ(result.endpoints.size(), 1u) << result.error;
    EXPECT_EQ(result.endpoints[0].host(), "10.1." + std::to_string(result.query / 200) + "." +
                                              std::to_string(result.query % 200 + 1));
  }
}

TEST_F(DnsClientTest, DestroyingItWithQueriesUnderWayIsSafe) {
  server_.Set("app.test", Type::kA, {Manner::kSilence, {}, 0});
  auto resolver = std::make_unique<DnsClient>(loop_.io(), loop_.sink());
  ResolveName request;
  request.name = Endpoint::Parse("app.test:80").value();
  request.dns.servers = {server_.endpoint()};
  resolver->Start(request);
  ASSERT_TRUE(loop_.RunUntil([this] { return server_.questions() > 0; }));
  resolver.reset();
}

}  // namespace
}  // namespace lb::controlplane
