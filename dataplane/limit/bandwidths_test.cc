// The bandwidth limits of a worker: what stays over snapshots, what a budget changes, and what is
// known of clients.
#include "dataplane/limit/bandwidths.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/endpoint.h"

namespace lb::dataplane {
namespace {

using std::chrono::seconds;

constexpr Instant kStart{seconds(1000)};
constexpr BandwidthRates kRates{1000, 2000, 100, 200};

SocketAddress Client(const char* ip) { return Endpoint::FromIp(ip, 1)->ToSocketAddress(); }

class BandwidthsTest : public testing::Test {
 protected:
  // Puts one limit of clients in force.
  std::shared_ptr<ClientBuckets> Commit(const BandwidthRates& rates, Instant now) {
    Bandwidths::Wanted wanted;
    auto clients = bandwidths_.ClientsOf(Bandwidths::kShared, rates, now, wanted);
    bandwidths_.Commit(std::move(wanted), now);
    return clients;
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

TEST_F(BandwidthsTest, ALimitThatIsGoneSlowsNobody) {
  const auto pair = Commit(kRates, kStart)->Of(Client("127.0.0.1"), kStart);
  pair->upload.Book(1'000'000, kStart);
  EXPECT_TRUE(pair->Throttles(kStart));
  EXPECT_EQ(Commit({}, kStart), nullptr);
  EXPECT_FALSE(pair->Throttles(kStart));
}

TEST_F(BandwidthsTest, ABudgetCountsUntilItsTime) {
  const auto clients = Commit(kRates, kStart);
  const auto address = Client("127.0.0.1");
  const auto pair = clients->Of(address, kStart);
  bandwidths_.SetPart(0.5, kStart);
  pair->upload.Book(50, kStart);
  EXPECT_EQ(WaitFor(pair->upload, 500, kStart), seconds(1));
  bandwidths_.SetBudget({Bandwidths::kShared, PrefixOf(address, clients->prefix_lengths()), ""},
                        0.1, 1, kStart + seconds(2), kStart);
  EXPECT_EQ(WaitFor(pair->upload, 0, kStart), seconds(5));
  bandwidths_.Step(kStart + seconds(2));
  EXPECT_LT(WaitFor(pair->upload, 0, kStart + seconds(2)), seconds(1));
}

TEST_F(BandwidthsTest, TellsWhoMovesHowMuch) {
  const auto clients = Commit(kRates, kStart);
  bandwidths_.Step(kStart);
  const auto some = clients->Of(Client("127.0.0.1"), kStart);
  const auto more = clients->Of(Client("127.0.0.2"), kStart);
  ++more->connections;
  some->upload.Book(10, kStart);
  more->upload.Book(60, kStart);
  more->download.Book(400, kStart);
  bandwidths_.Step(kStart + std::chrono::milliseconds(100));
  EXPECT_EQ(clients->throttled(), 0u) << "it is looked at every second";
  bandwidths_.Step(kStart + seconds(1));
  const std::vector<BandwidthView> busiest = clients->Busiest(1);
  ASSERT_EQ(busiest.size(), 1u);
  EXPECT_EQ(busiest[0].upload_bytes_per_s, 60);
  EXPECT_EQ(busiest[0].download_bytes_per_s, 400);
  EXPECT_EQ(busiest[0].connections, 1u);
  EXPECT_EQ(clients->Busiest(5).size(), 2u);
  bandwidths_.Step(kStart + seconds(2));
  EXPECT_EQ(clients->Busiest(1)[0].bytes_per_s(), 0);
}

TEST_F(BandwidthsTest, ForgetsWhoWouldFindANewBucketTheSame) {
  const auto clients = Commit(kRates, kStart);
  auto pair = clients->Of(Client("127.0.0.1"), kStart);
  pair->upload.Book(100, kStart);
  bandwidths_.Step(kStart + seconds(1));
  EXPECT_EQ(clients->clients(), 1u) << "a connection uses it";
  pair.reset();
  bandwidths_.Step(kStart + seconds(2));
  EXPECT_EQ(clients->clients(), 0u);
}

}  // namespace
}  // namespace lb::dataplane
