// One bandwidth limit of a client over several hosts, on virtual time.
#include "controlplane/budget/bandwidth_exchange.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/bandwidth_hosts.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/bandwidth_use.h"
#include "controlplane/budget/bandwidth_word.h"
#include "controlplane/budget/bandwidth_world.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kLimit = BandwidthWorld::kLimit;
constexpr double kAll = 10 * kLimit;  // More than anybody gets.

TEST(BandwidthExchangeTest, HostsThatAreAllThrottledShareTheLimitByConnections) {
  BandwidthWorld world({.hosts = 5});
  for (size_t host = 0; host < 5; ++host) world.Want(host, kAll, host == 0 ? 4 : 1);
  world.RunFor(seconds(3));
  EXPECT_NEAR(world.RatioOver(seconds(5)), 1, 0.02);
  world.RunFor(seconds(4));
  const double first = world.Take(0);
  EXPECT_NEAR(first / (first + world.TakeAll()), 0.5, 0.05);
}

TEST(BandwidthExchangeTest, AHostThatUsesLittleLeavesTheRestToTheOthers) {
  BandwidthWorld world({.hosts = 3});
  world.Want(0, kAll);
  world.Want(1, 0.1 * kLimit, 20);
  world.RunFor(seconds(3));
  world.TakeAll();
  world.RunFor(seconds(5));
  EXPECT_NEAR(world.Take(1) / 5 / kLimit, 0.1, 0.01) << "it does not wait";
  EXPECT_NEAR(world.Take(0) / 5 / kLimit, 0.875, 0.03);
}

TEST(BandwidthExchangeTest, AClientOnOneHostAloneHasTheWholeLimit) {
  BandwidthWorld world({.hosts = 5});
  world.Want(2, kAll);
  world.RunFor(seconds(1));
  EXPECT_NEAR(world.RatioOver(seconds(5)), 1, 0.01);
}

TEST(BandwidthExchangeTest, WhoBeginsOnAllHostsAtOnceNeverHasMoreThanTheLimit) {
  BandwidthWorld world({.hosts = 5});
  for (int round = 0; round < 5; ++round) {
    for (size_t host = 0; host < 5; ++host) world.Want(host, kAll);
    for (int i = 0; i < 10; ++i) EXPECT_LE(world.RatioOver(milliseconds(100)), 1.05) << i;
    for (size_t host = 0; host < 5; ++host) world.Want(host, 0);
    world.RunFor(seconds(4));
  }
}

TEST(BandwidthExchangeTest, AClientThatMovesTakesTheLimitWithIt) {
  BandwidthWorld world({.hosts = 5});
  size_t host = 0;
  world.Want(host, kAll);
  world.RunFor(seconds(3));
  for (int move = 0; move < 8; ++move) {
    world.Want(host, 0);
    host = (host + 2) % 5;
    world.Want(host, kAll);
    const double ratio = world.RatioOver(seconds(5));
    EXPECT_LE(ratio, 1.02);
    EXPECT_GE(ratio, 0.6) << "what it left is counted for a second";
    EXPECT_NEAR(world.RatioOver(seconds(2)), 1, 0.02);
  }
}

TEST(BandwidthExchangeTest, WhatAHostThatStopsHadIsForTheOthers) {
  BandwidthWorld world({.hosts = 3});
  for (size_t host = 0; host < 3; ++host) world.Want(host, kAll);
  world.RunFor(seconds(3));
  world.Crash(2);
  EXPECT_LE(world.RatioOver(seconds(1)), 1.02);
  world.RunFor(seconds(4));
  EXPECT_NEAR(world.RatioOver(seconds(5)), 1, 0.03);
}

TEST(BandwidthExchangeTest, LostWordsAreMadeUpFor) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    BandwidthWorld world({.hosts = 5, .loss_percent = 30, .seed = seed});
    for (size_t host = 0; host < 5; ++host) world.Want(host, kAll, static_cast<uint32_t>(host + 1));
    world.RunFor(seconds(3));
    EXPECT_NEAR(world.RatioOver(seconds(20)), 1, 0.05) << seed;
  }
}

TEST(BandwidthExchangeTest, ThePartsOfASplitClusterStayBelowOneAndAHalfLimits) {
  BandwidthWorld world({.hosts = 5});
  for (size_t host = 0; host < 5; ++host) world.Want(host, kAll);
  world.RunFor(seconds(3));
  world.SetGroup(3, 1);
  world.SetGroup(4, 1);
  world.RunFor(seconds(5));
  world.TakeAll();
  world.RunFor(seconds(5));
  const double smaller = (world.Take(3) + world.Take(4)) / 5 / kLimit;
  const double larger = world.TakeAll() / 5 / kLimit;
  EXPECT_NEAR(smaller, 0.4, 0.02);
  EXPECT_NEAR(larger, 1, 0.03);
  world.SetGroup(3, 0);
  world.SetGroup(4, 0);
  world.RunFor(seconds(2));
  EXPECT_NEAR(world.RatioOver(seconds(5)), 1, 0.02) << "together again";
}

TEST(BandwidthExchangeTest, AWorkerWithoutAStreamKeepsItsPart) {
  BandwidthWorld world({.hosts = 3});
  for (size_t host = 0; host < 3; ++host) world.Want(host, kAll);
  world.RunFor(seconds(3));
  world.LoseStream(2);
  world.RunFor(seconds(4));
  EXPECT_NEAR(world.RatioOver(seconds(5)), 1, 0.03);
  world.TakeAll();
  world.RunFor(seconds(3));
  EXPECT_NEAR(world.Take(2) / 3 / kLimit, 1.0 / 3, 0.02);
}

TEST(BandwidthExchangeTest, OfManyClientsTheThrottledAreToldOfAndWordsAreBounded) {
  BandwidthWorld world({.hosts = 2});
  for (size_t host = 0; host < 2; ++host) {
    world.WantOthers(host, 3 * BandwidthExchange::kMaxTold, 0.001 * kLimit);
    world.Want(host, kAll);
  }
  world.RunFor(seconds(6));
  EXPECT_NEAR(world.RatioOver(seconds(3)), 1, 0.02);
  EXPECT_LE(world.most_bytes_per_word(), 4 * 1'400u);
  EXPECT_GT(world.most_bytes_per_word(), 3 * 800u) << "they are used";
}

// Rates go up and down, so that another one is the busiest each time; clients come and go beside.
TEST(BandwidthExchangeTest, OthersHearOfEachOfManyClientsBeforeTheyForgetIt) {
  constexpr uint64_t kClients = 900;
  constexpr uint64_t kBrief = 100;
  const WorkerKey worker{"w", "1"};
  Instant now{seconds(1'000)};
  Prng random(1);
  HostChannel channel;
  channel.SetSelf(HostChannel::Self{"a", 7, "", {}});
  channel.SetHosts({{"b", {std::string(4, '\x7f'), 1}, 7}});
  HostChannel other;
  other.SetSelf(HostChannel::Self{"b", 7, "", {}});
  other.SetHosts({{"a", {std::string(4, '\x7f'), 2}, 7}});
  BandwidthLedger ledger;
  ledger.SetLimits({{{"", false}, {0, kLimit, true}}});
  BandwidthExchange exchange(channel);
  std::vector<uint64_t> totals(kClients, 0);
  std::map<BandwidthId, Instant> heard_at;
  uint64_t brief = kClients;
  for (int i = 0; i < 300; ++i, now += milliseconds(100)) {
    worker::v1::RateReport report;
    const auto add = [&](uint64_t client, uint64_t total) {
      worker::v1::RateReport::Bandwidth& told = *report.add_bandwidths();
      told.set_prefix(client);
      told.set_download_bytes_total(total);
      told.set_connections(1);
    };
    for (uint64_t client = 0; client < kClients; ++client)
      add(client, totals[client] += 1'000 + random.Below(100'000));
    if (i % 16 == 0)
      for (uint64_t end = brief + kBrief; brief < end; ++brief) add(brief, 1);
    ledger.Report(worker, report, now);
    ledger.Settle(now);
    std::vector<HostChannel::Datagram> out;
    exchange.Step(ledger, now, out);
    for (const HostChannel::Datagram& datagram : out) {
      const std::string text = other.Open(datagram.bytes).value().text;
      const std::optional<std::vector<BandwidthUse>> uses = DecodeBandwidths(text);
      for (const BandwidthUse& use : uses.value()) heard_at[use.id] = now;
    }
    if (now < Instant(seconds(1'005))) continue;
    for (uint64_t client = 0; client < kClients; ++client)
      ASSERT_LT(now - heard_at[IdOfBandwidth("", client, "")], BandwidthHosts::kForgetAfter);
  }
}

}  // namespace
}  // namespace lb::controlplane
