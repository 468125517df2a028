#include "dataplane/limit/byte_bucket.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "dataplane/limit/bandwidth.h"
#include "dataplane/limit/bandwidths.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart{seconds(1'000)};

// Connections that move whatever they may, on a clock that goes in milliseconds; returns how much
// each has moved.
std::vector<uint64_t> MoveFor(ByteBucket& bucket, size_t connections, Instant& now, Duration time) {
  struct Turn {
    ByteBucket::Ticket ticket;
    uint64_t bytes;
  };
  std::vector<Turn> turns(connections);
  const auto book = [&](Turn& turn) {
    turn.bytes = bucket.quantum();
    turn.ticket = bucket.Book(turn.bytes, now);
  };
  for (Turn& turn : turns) book(turn);
  std::vector<uint64_t> moved(connections);
  const Instant end = now + time;
  for (; now < end; now += milliseconds(1)) {
    for (size_t i = 0; i < connections; ++i) {
      while (bucket.DueAt(turns[i].ticket, now) <= now) {
        moved[i] += turns[i].bytes;
        book(turns[i]);
      }
    }
  }
  for (Turn& turn : turns) bucket.GiveBack(turn.bytes, now);
  return moved;
}

double Sum(const std::vector<uint64_t>& all) {
  double sum = 0;
  for (const uint64_t one : all) sum += static_cast<double>(one);
  return sum;
}

TEST(ByteBucketTest, GivesTheRateToAnyNumberOfConnectionsAlike) {
  for (const double rate : {100e3, 10e6, 1.25e9}) {
    for (const size_t connections : {1u, 10u, 100u}) {
      SCOPED_TRACE(rate);
      Instant now = kStart;
      ByteBucket bucket({rate, rate / 4}, now);
      const std::vector<uint64_t> moved = MoveFor(bucket, connections, now, seconds(20));
      // One booking less or more.
      EXPECT_NEAR(Sum(moved) / (rate * 20.25), 1, 0.002);
      double squares = 0;
      for (const uint64_t one : moved)
        squares += static_cast<double>(one) * static_cast<double>(one);
      const double jain = Sum(moved) * Sum(moved) / (squares * static_cast<double>(connections));
      EXPECT_GT(jain, 0.99);
    }
  }
}

TEST(ByteBucketTest, AfterAQuietTimeThereIsABurstAndNoMore) {
  Instant now = kStart;
  ByteBucket bucket({1e6, 50e3}, now);
  (void)MoveFor(bucket, 1, now, seconds(1));
  now += seconds(100);
  EXPECT_NEAR(Sum(MoveFor(bucket, 1, now, milliseconds(100))), 150e3, 3e3);
}

TEST(ByteBucketTest, WhatIsGivenBackIsForTheNextInLine) {
  ByteBucket bucket({1'000, 1'000}, kStart);
  (void)bucket.Book(1'000, kStart);
  const ByteBucket::Ticket ticket = bucket.Book(500, kStart);
  EXPECT_EQ(bucket.DueAt(ticket, kStart), kStart + milliseconds(500));
  bucket.GiveBack(400, kStart);
  EXPECT_EQ(bucket.DueAt(ticket, kStart), kStart + milliseconds(100));
  EXPECT_EQ(bucket.used(), 1'100u);
}

TEST(ByteBucketTest, ANewRateCountsForThoseWhoWaitAndTheLevelStays) {
  ByteBucket bucket({1'000, 1'000}, kStart);
  (void)bucket.Book(1'000, kStart);
  const ByteBucket::Ticket ticket = bucket.Book(1'000, kStart);
  bucket.SetShape({10'000, 1'000}, kStart);
  EXPECT_EQ(bucket.DueAt(ticket, kStart), kStart + milliseconds(100));
  bucket.SetShape({0, 0}, kStart);
  EXPECT_EQ(bucket.DueAt(ticket, kStart), kStart);
}

SocketAddress Client(const char* address) {
  return Endpoint::FromIp(address, 1).value().ToSocketAddress();
}

TEST(ClientBucketsTest, AClientHasOnePairUntilItIsFullAgain) {
  ClientBuckets clients({1'000, 1'000, 1'000, 1'000}, {}, kStart);
  auto pair = clients.Of(Client("10.0.0.1"), kStart);
  EXPECT_EQ(clients.Of(Client("10.0.0.1"), kStart), pair);
  EXPECT_NE(clients.Of(Client("10.0.0.2"), kStart), pair);
  EXPECT_EQ(clients.Of(Client("fd00::1"), kStart), clients.Of(Client("fd00::2"), kStart));
  (void)pair->upload.Book(1'000, kStart);
  ByteBucket* const bucket = &pair->upload;
  pair.reset();
  clients.Sweep(kStart + milliseconds(900));
  EXPECT_EQ(clients.clients(), 1u) << "the one in debt";
  EXPECT_EQ(&clients.Of(Client("10.0.0.1"), kStart)->upload, bucket);
  clients.Sweep(kStart + seconds(2));
  EXPECT_EQ(clients.clients(), 0u);
}

TEST(BandwidthsTest, LimitsThatStayKeepTheirBucketsAndThoseThatGoSlowNobody) {
  Bandwidths bandwidths;
  const BandwidthRates rates{1'000, 1'000, 1'000, 1'000};
  Bandwidths::Wanted wanted;
  const auto clients = bandwidths.ClientsOf("web", rates, kStart, wanted);
  const auto backend = bandwidths.BackendOf("web", "a", rates, kStart, wanted);
  EXPECT_EQ(bandwidths.ClientsOf("api", {}, kStart, wanted), nullptr);
  bandwidths.Commit(std::move(wanted), kStart);
  const auto pair = clients->Of(Client("10.0.0.1"), kStart);
  const ByteBucket::Ticket ticket = pair->upload.Book(2'000, kStart);
  EXPECT_EQ(pair->upload.DueAt(ticket, kStart), kStart + seconds(1));

  Bandwidths::Wanted again;
  EXPECT_EQ(bandwidths.ClientsOf("web", {500, 500, 500, 500}, kStart, again), clients);
  EXPECT_EQ(bandwidths.BackendOf("web", "a", rates, kStart, again), backend);
  bandwidths.Commit(std::move(again), kStart);
  EXPECT_EQ(pair->upload.DueAt(ticket, kStart), kStart + seconds(2));
  bandwidths.SetPart(0.5, kStart);
  EXPECT_EQ(pair->upload.DueAt(ticket, kStart), kStart + seconds(4));
  bandwidths.Commit({}, kStart);
  EXPECT_EQ(pair->upload.DueAt(ticket, kStart), kStart);
}

}  // namespace
}  // namespace lb::dataplane
