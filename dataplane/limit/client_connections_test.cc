#include "dataplane/limit/client_connections.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/endpoint.h"
#include "dataplane/limit/client_limits.h"

namespace lb::dataplane {
namespace {

using Holds = std::vector<std::unique_ptr<ClientConnections::Hold>>;

constexpr Instant kNow = Instant(std::chrono::hours(1));
constexpr std::chrono::seconds kTtl{2};

SocketAddress Address(const std::string& ip) {
  return Endpoint::FromIp(ip, 40'000).value().ToSocketAddress();
}

// How many of so many are admitted.
size_t Open(ClientConnections& connections, const std::string& ip, int count, Holds& holds) {
  size_t admitted = 0;
  for (int i = 0; i < count; ++i) {
    auto hold = connections.TryHold(Address(ip));
    if (hold == nullptr) continue;
    holds.push_back(std::move(hold));
    ++admitted;
  }
  return admitted;
}

std::shared_ptr<ClientConnections> Make(uint32_t slots, uint32_t quiet, uint32_t report_from) {
  return std::make_shared<ClientConnections>(ClientConnections::Cap{slots, quiet, report_from});
}

TEST(ClientConnectionsTest, AClientHasAsManyAsTheCapAndAnotherWhenOneEnds) {
  const auto connections = Make(3, 3, 0);
  Holds holds;
  EXPECT_EQ(Open(*connections, "10.0.0.1", 5, holds), 3u);
  EXPECT_EQ(Open(*connections, "10.0.0.2", 5, holds), 3u);
  holds.erase(holds.begin());
  EXPECT_EQ(Open(*connections, "10.0.0.2", 1, holds), 0u);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 2, holds), 1u);
}

TEST(ClientConnectionsTest, AnIpv6ClientIs64BitsAndAMappedAddressIsIpv4) {
  const auto connections = Make(1, 1, 0);
  Holds holds;
  EXPECT_EQ(Open(*connections, "fd00:0:0:1::1", 1, holds), 1u);
  EXPECT_EQ(Open(*connections, "fd00:0:0:1::2", 1, holds), 0u);
  EXPECT_EQ(Open(*connections, "fd00:0:0:2::1", 1, holds), 1u);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 1, holds), 1u);
  EXPECT_EQ(Open(*connections, "::ffff:10.0.0.1", 1, holds), 0u);
}

TEST(ClientConnectionsTest, WhoHasNothingOpenIsForgotten) {
  const auto connections = Make(3, 3, 0);
  Holds holds;
  Open(*connections, "10.0.0.1", 5, holds);
  EXPECT_EQ(connections->clients(), 1u);
  holds.clear();
  EXPECT_EQ(connections->clients(), 0u);
}

TEST(ClientConnectionsTest, ALowerCapClosesNothingAndAdmitsNoneUntilThereIsRoom) {
  const auto connections = Make(4, 4, 0);
  Holds holds;
  Open(*connections, "10.0.0.1", 4, holds);
  connections->SetCap({2, 2, 0});
  EXPECT_EQ(connections->Look(Address("10.0.0.1")).held, 4u);
  holds.resize(2);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 1, holds), 0u);
  holds.resize(1);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 2, holds), 1u);
}

TEST(ClientConnectionsTest, ThreadsNeverPassTheCapAndLoseNoSlot) {
  const auto connections = Make(8, 8, 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 2'000; ++round) {
        Holds holds;
        EXPECT_LE(Open(*connections, "10.0.0.1", 9, holds), 8u);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(connections->clients(), 0u);
  Holds holds;
  EXPECT_EQ(Open(*connections, "10.0.0.1", 9, holds), 8u);
}

TEST(ClientConnectionsTest, AGrantReplacesTheQuietPartUntilItsTimeIsOver) {
  const auto connections = Make(10, 4, 2);
  const ClientPrefix client = PrefixOf(Address("10.0.0.1"), {});
  Holds holds;
  EXPECT_EQ(Open(*connections, "10.0.0.1", 5, holds), 4u);
  connections->SetGrant(client, {.slots = 7, .seq = 1, .until = kNow + kTtl});
  EXPECT_EQ(Open(*connections, "10.0.0.1", 5, holds), 3u);
  connections->SetGrant(client, {.slots = 99, .seq = 2, .until = kNow + kTtl});
  EXPECT_EQ(Open(*connections, "10.0.0.1", 5, holds), 3u);  // Never above the cap.
  connections->EndGrants(kNow + kTtl / 2);
  EXPECT_EQ(connections->Look(Address("10.0.0.1")).slots, 10u);
  connections->EndGrants(kNow + kTtl);
  EXPECT_EQ(connections->Look(Address("10.0.0.1")).slots, 4u);
}

TEST(ClientConnectionsTest, HalfOfTheQuietPartOrARefusalIsNewsAndLessIsNot) {
  const auto connections = Make(8, 4, 2);
  Holds holds;
  Open(*connections, "10.0.0.1", 1, holds);
  EXPECT_TRUE(connections->TakeNews(10).empty());
  Open(*connections, "10.0.0.1", 5, holds);
  const auto news = connections->TakeNews(10);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].held, 4u);
  EXPECT_EQ(news[0].refused, 2u);
  EXPECT_EQ(news[0].slots, 4u);
  EXPECT_TRUE(connections->TakeNews(10).empty());  // Nothing changed.
  holds.pop_back();
  ASSERT_EQ(connections->TakeNews(10).size(), 1u);
}

TEST(ClientConnectionsTest, ANewGrantIsAnsweredAndARenewalIsNot) {
  const auto connections = Make(8, 4, 2);
  connections->SetGrant(7, {.slots = 0, .seq = 3, .until = kNow + kTtl});
  const auto news = connections->TakeNews(10);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].seq, 3u);
  EXPECT_EQ(news[0].slots, 0u);
  connections->SetGrant(7, {.slots = 0, .seq = 3, .until = kNow + 2 * kTtl});
  EXPECT_TRUE(connections->TakeNews(10).empty());
  connections->EndGrants(kNow + kTtl);
  EXPECT_EQ(connections->clients(), 1u);
  connections->EndGrants(kNow + 2 * kTtl);
  EXPECT_EQ(connections->clients(), 0u);
}

TEST(ClientConnectionsTest, NewsAreToldAFewAtATimeAndAllAnewInANewSession) {
  const auto connections = Make(8, 4, 2);
  Holds holds;
  for (int i = 1; i <= 5; ++i) Open(*connections, "10.0.0." + std::to_string(i), 2, holds);
  EXPECT_EQ(connections->TakeNews(3).size(), 3u);
  EXPECT_EQ(connections->TakeNews(3).size(), 2u);
  connections->TellAll();
  EXPECT_EQ(connections->TakeNews(10).size(), 5u);
}

TEST(ClientLimitsTest, CountsOutliveASnapshotAndGoWithTheirRule) {
  ClientLimits limits;
  ClientLimits::ByRule first;
  const auto connections = limits.FindOrMake("web", 2, first);
  limits.Commit(first);
  Holds holds;
  Open(*connections, "10.0.0.1", 2, holds);
  ClientLimits::ByRule second;
  EXPECT_EQ(limits.FindOrMake("web", 3, second), connections);
  EXPECT_EQ(limits.FindOrMake("other", 0, second), nullptr);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 1, holds), 0u);  // Not in force yet.
  limits.Commit(second);
  EXPECT_EQ(Open(*connections, "10.0.0.1", 2, holds), 1u);
  limits.Commit({});
  ClientLimits::ByRule third;
  EXPECT_NE(limits.FindOrMake("web", 3, third), connections);
}

TEST(ClientLimitsTest, AQuietClientHasAnEvenPartAndAtLeastOne) {
  ClientLimits limits;
  ClientLimits::ByRule wanted;
  const auto many = limits.FindOrMake("many", 49, wanted);
  const auto few = limits.FindOrMake("few", 2, wanted);
  limits.Commit(wanted);
  EXPECT_EQ(many->Look(Address("10.0.0.1")).slots, 49u);
  EXPECT_FALSE(limits.reports());
  limits.SetPart(1.0 / 49);
  EXPECT_EQ(many->Look(Address("10.0.0.1")).slots, 1u);
  limits.SetPart(1.0 / 4);
  EXPECT_EQ(many->Look(Address("10.0.0.1")).slots, 12u);
  EXPECT_EQ(few->Look(Address("10.0.0.1")).slots, 1u);
}

TEST(ClientLimitsTest, NothingIsReportedOrKeptForAReportWithoutAStream) {
  ClientLimits limits;
  ClientLimits::ByRule wanted;
  const auto connections = limits.FindOrMake("web", 8, wanted);
  limits.Commit(wanted);
  limits.SetPart(0.5);
  limits.StreamBegan();
  EXPECT_TRUE(limits.reports());
  Holds holds;
  Open(*connections, "10.0.0.1", 4, holds);
  limits.StreamEnded();
  EXPECT_FALSE(limits.reports());
  EXPECT_TRUE(limits.TakeNews(10).empty());
  holds.clear();
  EXPECT_EQ(connections->clients(), 0u);
}

}  // namespace
}  // namespace lb::dataplane
