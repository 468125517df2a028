#include "dataplane/limit/client_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/endpoint.h"
#include "base/prng.h"
#include "dataplane/limit/client_prefix.h"
#include "dataplane/limit/hot_clients.h"

namespace lb::dataplane {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStart = 1'000 * kSecond;
constexpr BucketShape kTenPerSecond{1e8, 5};

ClientPrefix Of(const char* address, const PrefixLengths& lengths = {}) {
  return PrefixOf(Endpoint::FromIp(address, 1)->ToSocketAddress(), lengths);
}

TEST(SipHashTest, IsThePublishedFunction) {
  // The vector of eight bytes 00 to 07 under the key 00 to 0f, of the authors' vectors.h.
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(SipHash(key, 0x0706050403020100), 0x93f5f5799a932462);
}

TEST(ClientPrefixTest, IsTheAddressOrItsNetwork) {
  EXPECT_EQ(PrefixText(Of("10.1.2.3"), {}), "10.1.2.3");
  EXPECT_EQ(PrefixText(Of("10.1.2.3", {24, 64}), {24, 64}), "10.1.2.0/24");
  EXPECT_EQ(PrefixText(Of("fd00:1:2:3:4::5"), {}), "fd00:1:2:3::/64");
  EXPECT_EQ(PrefixText(Of("fd00:1:2:3:4::5", {32, 48}), {32, 48}), "fd00:1:2::/48");
  EXPECT_EQ(Of("fd00:1:2:3:4::5"), Of("fd00:1:2:3:ffff::"));
  EXPECT_NE(Of("fd00:1:2:3::"), Of("fd00:1:2:4::"));
  EXPECT_EQ(Of("::ffff:10.1.2.3"), Of("10.1.2.3"));
}

TEST(ClientTableTest, GivesTheBurstThenTheRate) {
  ClientTable table(16, {1, 2});
  ClientTable::Entry& entry = table.FindOrTake(7, kStart);
  int admitted = 0;
  // 100 a second for 10 s.
  for (uint64_t i = 0; i < 1'000; ++i)
    admitted += ClientTable::Take(entry, kTenPerSecond, kStart + i * kSecond / 100) ? 1 : 0;
  EXPECT_NEAR(admitted, 5 + 100, 1);
}

TEST(ClientTableTest, RefusedOnesDoNotMakeItLonger) {
  ClientTable table(16, {1, 2});
  ClientTable::Entry& entry = table.FindOrTake(7, kStart);
  for (int i = 0; i < 10'000; ++i) (void)ClientTable::Take(entry, kTenPerSecond, kStart);
  EXPECT_FALSE(ClientTable::Take(entry, kTenPerSecond, kStart + kSecond / 11));
  EXPECT_TRUE(ClientTable::Take(entry, kTenPerSecond, kStart + kSecond / 10));
}

TEST(ClientTableTest, KeepsItsTokensOverAChangeOfShape) {
  ClientTable table(16, {1, 2});
  ClientTable::Entry& entry = table.FindOrTake(7, kStart);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(ClientTable::Take(entry, kTenPerSecond, kStart));
  const BucketShape larger{1e7, 50};
  ClientTable::Reshape(entry, kTenPerSecond, larger, false, kStart);
  EXPECT_NEAR(ClientTable::Missing(entry, larger, kStart), 48, 0.01);
  const BucketShape smaller{1e9, 1};
  ClientTable::Reshape(entry, larger, smaller, false, kStart);
  EXPECT_NEAR(ClientTable::Missing(entry, smaller, kStart), 0, 0.01);
  ClientTable::Reshape(entry, smaller, kTenPerSecond, true, kStart);
  EXPECT_NEAR(ClientTable::Missing(entry, kTenPerSecond, kStart), 0, 0.01);
}

TEST(ClientTableTest, PushedOutDoesNotMeanForgiven) {
  // One set: four clients in debt, and a fifth comes.
  ClientTable table(4, {1, 2});
  ASSERT_EQ(table.capacity(), ClientTable::kWays);
  for (ClientPrefix client = 1; client <= 4; ++client) {
    ClientTable::Entry& entry = table.FindOrTake(client, kStart);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(ClientTable::Take(entry, kTenPerSecond, kStart));
  }
  ClientTable::Entry& fifth = table.FindOrTake(5, kStart);
  EXPECT_FALSE(ClientTable::Take(fifth, kTenPerSecond, kStart));
  EXPECT_EQ(table.pushed_out(), 1u);
  // A bucket that is full again is taken over for nothing.
  ClientTable::Entry& sixth = table.FindOrTake(6, kStart + kSecond);
  EXPECT_TRUE(ClientTable::Take(sixth, kTenPerSecond, kStart + kSecond));
  EXPECT_EQ(table.pushed_out(), 1u);
}

TEST(ClientTableTest, ThreadsTogetherNeverPassTheLimit) {
  ClientTable table(64, {1, 2});
  const BucketShape shape{1e9, 1'000};
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i)
        if (ClientTable::Take(table.FindOrTake(9, kStart), shape, kStart)) admitted.fetch_add(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted.load(), 1'000);
}

TEST(ClientTableTest, CountsOverTheLastSecond) {
  SecondCount count;
  for (uint64_t i = 0; i < 300; ++i) count.Add(kStart + i * kSecond / 100);
  EXPECT_NEAR(count.Rate(kStart + 3 * kSecond), 100, 2);
  EXPECT_NEAR(count.Rate(kStart + 3 * kSecond + kSecond / 2), 50, 2);
  EXPECT_EQ(count.Rate(kStart + 5 * kSecond), 0);
}

TEST(HotClientsTest, FindsWhoWasAddedAndForgetsWhoWasDropped) {
  HotClients hot;
  EXPECT_EQ(hot.Find(3), nullptr);
  HotClients::Client* added = hot.Add(3, kTenPerSecond, 4);
  ASSERT_NE(added, nullptr);
  EXPECT_EQ(hot.Find(3), added);
  EXPECT_EQ(added->admitted.load(), 4u);
  EXPECT_TRUE(hot.TakeAdded());
  EXPECT_FALSE(hot.TakeAdded());
  hot.Drop(*added);
  EXPECT_EQ(hot.Find(3), nullptr);
  EXPECT_EQ(hot.count(), 0u);
}

TEST(HotClientsTest, IsBounded) {
  HotClients hot;
  Prng prng(1);
  EXPECT_FALSE(hot.crowded());
  for (size_t i = 0; i < 10 * HotClients::kMaxClients; ++i) (void)hot.Add(prng.Next(), {1, 1}, 0);
  EXPECT_LE(hot.count(), HotClients::kMaxClients);
  EXPECT_GT(hot.count(), HotClients::kMaxClients / 2);
  EXPECT_TRUE(hot.crowded());
  EXPECT_EQ(hot.refused(), 10 * HotClients::kMaxClients - hot.count());
  hot.LookAtRoom();
  EXPECT_TRUE(hot.crowded()) << "somebody asked in vain since the last look";
  hot.LookAtRoom();
  EXPECT_FALSE(hot.crowded());
}

}  // namespace
}  // namespace lb::dataplane
