// The bandwidth limits of a worker: what stays over snapshots, what a budget changes, and what is
// known of clients.
#include "dataplane/limit/bandwidths.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/endpoint.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};
constexpr BandwidthRates kRates{1000, 2000, 100, 200};

SocketAddress Client(const char* ip) { return Endpoint::FromIp(ip, 1)->ToSocketAddress(); }

void SweepAll(ClientBuckets& clients, Instant now) {
  for (size_t i = 0; i < ClientBuckets::kSweeps; ++i) clients.Sweep(now);
}

class BandwidthsTest : public testing::Test {
 protected:
  // Puts one limit of clients in force.
  std::shared_ptr<ClientBuckets> Commit(const BandwidthRates& rates, Instant now) {
    Bandwidths::Wanted wanted;
    auto clients = bandwidths_.ClientsOf(Bandwidths::kShared, rates, now, wanted);
    bandwidths_.Commit(std::move(wanted), now);
    return clients;
  }

  // As a worker does in the second up to `end`.
  void StepOneSecond(Instant end) {
    for (int i = 9; i >= 0; --i) bandwidths_.Step(end - milliseconds(100 * i));
  }

  // How long `bytes` more wait in an empty bucket.
  static Duration WaitFor(ByteBucket& bucket, uint64_t bytes, Instant now) {
    return bucket.DueAt(bucket.Book(bytes, now), now) - now;
  }

  Bandwidths bandwidths_;
};

TEST_F(BandwidthsTest, AClientKeepsItsBucketOverSnapshots) {
  const auto before = Commit(kRates, kStart);
  const auto pair = before->Of(Client("127.0.0.1"), kStart);
  pair->upload.Book(100, kStart);
  const auto after = Commit({500, 2000, 100, 200}, kStart);
  EXPECT_EQ(before, after);
  EXPECT_EQ(after->Of(Client("127.0.0.1"), kStart), pair);
  // Empty as it was left, and as slow as is now configured.
  EXPECT_EQ(WaitFor(pair->upload, 500, kStart), seconds(1));
}

TEST_F(BandwidthsTest, ALimitThatIsGoneIsNewWhenItComesBack) {
  const auto pair = Commit(kRates, kStart)->Of(Client("127.0.0.1"), kStart);
  pair->upload.Book(1'000'000, kStart);
  EXPECT_EQ(Commit({}, kStart), nullptr);
  const auto again = Commit(kRates, kStart)->Of(Client("127.0.0.1"), kStart);
  EXPECT_EQ(WaitFor(again->upload, 100, kStart), Duration(0));
}

TEST_F(BandwidthsTest, ABudgetOutlivesASnapshotAndIsAPartOfTheNewRate) {
  const auto clients = Commit(kRates, kStart);
  const auto address = Client("127.0.0.1");
  const auto pair = clients->Of(address, kStart);
  pair->upload.Book(100, kStart);
  bandwidths_.SetBudget({Bandwidths::kShared, PrefixOf(address, clients->prefix_lengths()), ""},
                        {0.5, 1, kStart + seconds(2)}, kStart);
  bandwidths_.SetParts({0.1, 0.1}, kStart);
  Commit({4000, 2000, 100, 200}, kStart);
  EXPECT_EQ(WaitFor(pair->upload, 2000, kStart), seconds(1));
}

TEST_F(BandwidthsTest, ABackendsBudgetOutlivesASnapshot) {
  std::shared_ptr<BucketPair> pair;
  const auto commit = [&] {
    Bandwidths::Wanted wanted;
    pair = bandwidths_.BackendOf("web", "a", kRates, kStart, wanted);
    bandwidths_.Commit(std::move(wanted), kStart);
  };
  bandwidths_.SetParts({0.25, 0.25}, kStart);
  commit();
  pair->upload.Book(25, kStart);
  bandwidths_.SetBudget({"web", 0, "a"}, {1, 1, kStart + seconds(2)}, kStart);
  commit();
  EXPECT_EQ(WaitFor(pair->upload, 1000, kStart), seconds(1));
}

TEST_F(BandwidthsTest, TellsOfAllWhoMoveBytesHoweverFewAtATime) {
  bandwidths_.SetParts({0.5, 0.5}, kStart);
  const auto clients = Commit(kRates, kStart);
  std::vector<std::shared_ptr<BucketPair>> pairs;
  for (int i = 1; i <= 100; ++i)
    pairs.push_back(clients->Of(Client(absl::StrCat("127.0.1.", i).c_str()), kStart));
  std::set<ClientPrefix> told;
  for (int round = 0; round < 10; ++round) {
    for (const auto& pair : pairs) pair->upload.Book(1, kStart);
    const auto uses = bandwidths_.TakeUses(kStart, 20);
    EXPECT_LE(uses.size(), 20u);
    for (const auto& [name, use] : uses) told.insert(name.client);
  }
  EXPECT_EQ(told.size(), 100u);
}

TEST_F(BandwidthsTest, ABudgetCountsUntilItsTime) {
  const auto clients = Commit(kRates, kStart);
  const auto address = Client("127.0.0.1");
  const auto pair = clients->Of(address, kStart);
  bandwidths_.SetParts({0.5, 0.5}, kStart);
  pair->upload.Book(50, kStart);
  EXPECT_EQ(WaitFor(pair->upload, 500, kStart), seconds(1));
  bandwidths_.SetBudget({Bandwidths::kShared, PrefixOf(address, clients->prefix_lengths()), ""},
                        {0.1, 1, kStart + seconds(2)}, kStart);
  EXPECT_EQ(WaitFor(pair->upload, 0, kStart), seconds(5));
  bandwidths_.Step(kStart + seconds(2));
  EXPECT_LT(WaitFor(pair->upload, 0, kStart + seconds(2)), seconds(1));
}

TEST_F(BandwidthsTest, LimitsThatHostsShareHaveAPartOfTheirOwn) {
  Bandwidths::Wanted wanted;
  const auto shared = bandwidths_.ClientsOf("shared", kRates, kStart, wanted, true);
  const auto alone = bandwidths_.ClientsOf("alone", kRates, kStart, wanted);
  const auto backend = bandwidths_.BackendOf("shared", "a", kRates, kStart, wanted, true);
  bandwidths_.Commit(std::move(wanted), kStart);
  EXPECT_FALSE(bandwidths_.reports());
  bandwidths_.SetParts({.host_ratio = 1, .shared_ratio = 0.2}, kStart);
  EXPECT_TRUE(bandwidths_.reports());
  const auto of_shared = shared->Of(Client("127.0.0.1"), kStart);
  const auto of_alone = alone->Of(Client("127.0.0.1"), kStart);
  EXPECT_EQ(WaitFor(of_shared->upload, 20 + 200, kStart), seconds(1));
  EXPECT_EQ(WaitFor(of_alone->upload, 100 + 1000, kStart), seconds(1));
  EXPECT_EQ(WaitFor(backend->upload, 20 + 200, kStart), seconds(1));
  std::vector<std::string> told;
  for (const auto& [name, use] : bandwidths_.TakeUses(kStart, 10))
    told.push_back(name.rule + name.backend);
  EXPECT_EQ(told, (std::vector<std::string>{"shareda", "shared"}))
      << "nobody else has a part of the other";
}

TEST_F(BandwidthsTest, ALimitThatHostsBeginToShareHasItsNewPartAtOnce) {
  bandwidths_.SetParts({.host_ratio = 1, .shared_ratio = 0.5}, kStart);
  const auto clients = Commit(kRates, kStart);
  const auto pair = clients->Of(Client("127.0.0.1"), kStart);
  pair->upload.Book(100, kStart);
  Bandwidths::Wanted wanted;
  ASSERT_EQ(bandwidths_.ClientsOf(Bandwidths::kShared, kRates, kStart, wanted, true), clients);
  bandwidths_.Commit(std::move(wanted), kStart);
  EXPECT_EQ(WaitFor(pair->upload, 500, kStart), seconds(1));
}

TEST_F(BandwidthsTest, TellsWhoMovesHowMuch) {
  const auto clients = Commit(kRates, kStart);
  StepOneSecond(kStart);
  const auto some = clients->Of(Client("127.0.0.1"), kStart);
  const auto more = clients->Of(Client("127.0.0.2"), kStart);
  ++more->connections;
  some->upload.Book(10, kStart);
  more->upload.Book(60, kStart);
  more->download.Book(400, kStart);
  StepOneSecond(kStart + seconds(1));
  const std::vector<BandwidthView> busiest = clients->Busiest(1);
  ASSERT_EQ(busiest.size(), 1u);
  EXPECT_EQ(busiest[0].upload_bytes_per_s, 60);
  EXPECT_EQ(busiest[0].download_bytes_per_s, 400);
  EXPECT_EQ(busiest[0].connections, 1u);
  StepOneSecond(kStart + seconds(2));
  EXPECT_EQ(clients->Look(busiest[0].client).bytes_per_s(), 0);
}

TEST(ClientBucketsTest, AClientHasOnePairUntilItIsFullAgain) {
  ClientBuckets clients({1'000, 1'000, 1'000, 1'000}, 1, {}, kStart);
  auto pair = clients.Of(Client("10.0.0.1"), kStart);
  EXPECT_EQ(clients.Of(Client("10.0.0.1"), kStart), pair);
  EXPECT_NE(clients.Of(Client("10.0.0.2"), kStart), pair);
  EXPECT_EQ(clients.Of(Client("fd00::1"), kStart), clients.Of(Client("fd00::2"), kStart));
  (void)pair->upload.Book(1'000, kStart);
  ByteBucket* const bucket = &pair->upload;
  pair.reset();
  SweepAll(clients, kStart + milliseconds(900));
  EXPECT_EQ(clients.clients(), 1u) << "the one in debt";
  EXPECT_EQ(&clients.Of(Client("10.0.0.1"), kStart)->upload, bucket);
  SweepAll(clients, kStart + seconds(2));
  EXPECT_EQ(clients.clients(), 0u);
}

}  // namespace
}  // namespace lb::dataplane
