// The hashes with what passes a backend over: health, slow start, bounds; and whose turn it is for
// each algorithm behind the one interface.
#include "dataplane/balance/balancer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "base/endpoint.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

constexpr size_t kClients = 20'000;
constexpr Instant kStart = Instant() + std::chrono::seconds(1'000);

// One rule that hashes, with backends of equal weight.
class Hashing {
 public:
  Hashing(Algorithm algorithm, size_t count, double bound_ratio = 0, Duration slow_start = {})
      : facts_(count),
        shares_(count, {.panic_threshold_ratio = 0, .slow_start = slow_start}),
        balancer_(std::vector<uint32_t>(count, 1),
                  {algorithm, Tables(algorithm, count), bound_ratio, 1}, nullptr, {}),
        loads_(count, 0) {
    Update(kStart);
  }

  std::vector<BackendFacts>& facts() { return facts_; }
  void Update(Instant now) { shares_.Update(facts_, now); }
  // The backend of a client; `tried` is none that it may have.
  size_t Of(uint64_t client, size_t tried = SIZE_MAX) {
    return balancer_
        .Next(
            Mix(client), shares_, [&](size_t b) { return loads_[b]; }, [&] { return total_ + 1; },
            [&](size_t b) { return b != tried; })
        .value();
  }
  // The same, and its connection stays.
  void Connect(uint64_t client) {
    ++loads_[Of(client)];
    ++total_;
  }
  const std::vector<uint64_t>& loads() const { return loads_; }

  std::vector<size_t> OfAll() {
    std::vector<size_t> all;
    for (uint64_t client = 0; client < kClients; ++client) all.push_back(Of(client));
    return all;
  }

 private:
  static HashTables Tables(Algorithm algorithm, size_t count) {
    std::vector<std::string> names;
    std::vector<uint64_t> hashes;
    for (size_t i = 0; i < count; ++i) {
      names.push_back("b" + std::to_string(i));
      hashes.push_back(HashOfName(names.back(), kRendezvousSalt));
    }
    HashTables tables;
    tables.names = std::make_shared<const std::vector<uint64_t>>(hashes);
    std::vector<Maglev::Backend> maglev;
    std::vector<HashRing::Backend> ring;
    for (const std::string& name : names) {
      maglev.push_back({name, 1});
      ring.push_back({name, 1});
    }
    if (algorithm == Algorithm::kMaglev)
      tables.maglev = std::make_shared<const Maglev>(maglev);
    else
      tables.ring = std::make_shared<const HashRing>(ring);
    return tables;
  }

  std::vector<BackendFacts> facts_;
  Shares shares_;
  Balancer balancer_;
  std::vector<uint64_t> loads_;
  uint64_t total_ = 0;
};

class HashingTest : public testing::TestWithParam<Algorithm> {};

TEST_P(HashingTest, ADownBackendMovesItsOwnClientsAndNoOther) {
  Hashing hashing(GetParam(), 10);
  const std::vector<size_t> before = hashing.OfAll();
  hashing.facts()[3].usable = false;
  hashing.Update(kStart);
  const std::vector<size_t> during = hashing.OfAll();
  std::set<size_t> taken_over_by;
  for (size_t i = 0; i < kClients; ++i) {
    if (before[i] != 3) {
      ASSERT_EQ(during[i], before[i]);
    } else {
      taken_over_by.insert(during[i]);
    }
  }
  EXPECT_EQ(taken_over_by.size(), 9u);  // Spread over all others.
  EXPECT_FALSE(taken_over_by.contains(3));
  hashing.facts()[3].usable = true;
  hashing.Update(kStart);
  EXPECT_EQ(hashing.OfAll(), before);
}

TEST_P(HashingTest, TheLastUsableBackendGetsAll) {
  Hashing hashing(GetParam(), 200);
  for (BackendFacts& facts : hashing.facts()) facts.usable = false;
  hashing.facts()[77].usable = true;
  hashing.Update(kStart);
  for (uint64_t client = 0; client < 1'000; ++client) ASSERT_EQ(hashing.Of(client), 77u);
}

TEST_P(HashingTest, ARetryGoesElsewhereAndAlwaysToTheSame) {
  Hashing hashing(GetParam(), 10);
  for (uint64_t client = 0; client < 1'000; ++client) {
    const size_t first = hashing.Of(client);
    const size_t second = hashing.Of(client, first);
    ASSERT_NE(second, first);
    ASSERT_EQ(hashing.Of(client, first), second);
  }
}

TEST_P(HashingTest, NobodyIsAboveTheBound) {
  constexpr double kBound = 1.25;
  constexpr size_t kBackends = 20;
  Hashing hashing(GetParam(), kBackends, kBound);
  for (uint64_t client = 0; client < 10'000; ++client) {
    // Half of all connections come from ten clients.
    hashing.Connect(client % 2 == 0 ? client % 20 : client);
    const double cap = std::ceil(kBound * static_cast<double>(client + 1) / kBackends);
    const auto most = *std::max_element(hashing.loads().begin(), hashing.loads().end());
    ASSERT_LE(static_cast<double>(most), cap);
  }
}

TEST_P(HashingTest, WithoutABoundAHeavyClientStaysWhereItIs) {
  Hashing hashing(GetParam(), 20);
  for (int i = 0; i < 1'000; ++i) hashing.Connect(7);
  EXPECT_EQ(*std::max_element(hashing.loads().begin(), hashing.loads().end()), 1'000u);
}

TEST_P(HashingTest, SlowStartGivesClientsBackOneAfterTheOther) {
  Hashing hashing(GetParam(), 4, 0, std::chrono::seconds(10));
  const std::vector<size_t> whole = hashing.OfAll();
  hashing.facts()[1].since = kStart;
  const auto all = static_cast<double>(std::count(whole.begin(), whole.end(), 1u));
  std::vector<size_t> before(kClients, SIZE_MAX);
  for (const int second : {0, 5, 10}) {
    hashing.Update(kStart + std::chrono::seconds(second));
    const std::vector<size_t> now = hashing.OfAll();
    for (size_t i = 0; i < kClients; ++i) {
      if (whole[i] != 1) {
        ASSERT_EQ(now[i], whole[i]);
      }
      if (before[i] == 1) {
        ASSERT_EQ(now[i], 1u);  // Once back, it stays.
      }
    }
    const auto back = static_cast<double>(std::count(now.begin(), now.end(), 1u));
    EXPECT_NEAR(back / all, 0.1 + 0.09 * second, 0.02);
    before = now;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, HashingTest,
                         testing::Values(Algorithm::kSourceHash, Algorithm::kMaglev));

TEST(HashOfClientTest, ThePortIsNoPartOfIt) {
  const auto hash = [](const std::string& address) {
    return HashOfClient(Endpoint::Parse(address).value().ToSocketAddress());
  };
  EXPECT_EQ(hash("10.0.0.1:80"), hash("10.0.0.1:81"));
  EXPECT_NE(hash("10.0.0.1:80"), hash("10.0.0.2:80"));
  EXPECT_EQ(hash("[fd00::1]:80"), hash("[fd00::1]:81"));
  EXPECT_NE(hash("[fd00::1]:80"), hash("[fd00::2]:80"));
  EXPECT_EQ(hash("10.0.0.1:80"), hash("[::ffff:10.0.0.1]:80"));
  EXPECT_EQ(HashOfClient(SocketAddress()), 0u);
}

// Another number would send every client elsewhere at an upgrade, and to one backend here and
// another there while it goes on.
TEST(HashOfClientTest, ItIsTheSameForEver) {
  EXPECT_EQ(HashOfClient(Endpoint::Parse("10.0.0.1:80").value().ToSocketAddress()),
            0x9f648f1934c1e424u);
  EXPECT_EQ(HashOfName("web-1", kRingSalt), 0xdb9c8f1730e6f76eu);
}

TEST(BalancerTest, EveryAlgorithmLeavesOutWhatIsNotInUse) {
  for (const Algorithm algorithm : {Algorithm::kWeightedRoundRobin, Algorithm::kLeastConnections,
                                    Algorithm::kRandomTwoChoices}) {
    Shares shares(3, {.panic_threshold_ratio = 0});
    Balancer balancer({1, 1, 1}, {.algorithm = algorithm, .hash_tables = {}, .seed = 1}, nullptr,
                      {});
    std::vector<BackendFacts> facts(3);
    facts[0].usable = false;
    shares.Update(facts, kStart);
    balancer.Reweigh(shares);
    const auto no_load = [](size_t) { return uint64_t{0}; };
    const auto no_total = [] { return uint64_t{0}; };
    for (int i = 0; i < 100; ++i) {
      const size_t picked = balancer.Next(0, shares, no_load, no_total, AllInUse()).value();
      ASSERT_NE(picked, 0u);
      balancer.Take(picked, AllInUse());
      const auto only_2 = [](size_t b) { return b == 2; };
      ASSERT_EQ(balancer.Next(0, shares, no_load, no_total, only_2), 2u);
    }
    for (BackendFacts& backend : facts) backend.usable = false;
    shares.Update(facts, kStart);
    balancer.Reweigh(shares);
    EXPECT_EQ(balancer.Next(0, shares, no_load, no_total, AllInUse()), std::nullopt);
  }
}

}  // namespace
}  // namespace lb::dataplane
