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

}  // namespace
}  // namespace lb::dataplane
