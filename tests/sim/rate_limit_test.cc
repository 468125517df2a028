// Rate limits that several workers of a host share, on virtual time.
#include <gtest/gtest.h>

#include <vector>

#include "tests/sim/rate_host.h"

namespace lb {
namespace {

using dataplane::ClientPrefix;
using sim::RateHost;
using std::chrono::seconds;

class RateSharing : public testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(Workers, RateSharing, testing::Values(1, 2, 4, 8));

TEST_P(RateSharing, OneClientFarAboveTheLimitGetsTheLimit) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    RateHost host(GetParam(), 100, 50, seed);
    const double each = 1'000.0 / static_cast<double>(GetParam());
    host.RunFor(seconds(10), [&](size_t) { return std::vector<double>{each}; });
    EXPECT_NEAR(host.admitted(1), 1'050, 0.03 * 1'050) << "seed " << seed;
  }
}

TEST_P(RateSharing, AllOfItInOneWorkerGetsTheLimitToo) {
  RateHost host(GetParam(), 100, 50, 7);
  host.RunFor(seconds(10),
              [&](size_t worker) { return std::vector<double>{worker == 0 ? 1'000.0 : 0.0}; });
  EXPECT_NEAR(host.admitted(1), 1'050, 0.03 * 1'050);
}

TEST_P(RateSharing, EachOfTwoHundredClientsGetsTheLimit) {
  RateHost host(GetParam(), 100, 50, 9);
  const double each = 1'000.0 / static_cast<double>(GetParam());
  host.RunFor(seconds(10), [&](size_t) { return std::vector<double>(200, each); });
  for (ClientPrefix client = 1; client <= 200; ++client)
    EXPECT_NEAR(host.admitted(client), 1'050, 0.03 * 1'050) << "client " << client;
}

TEST_P(RateSharing, ClientsBelowTheLimitAreHardlyEverRefused) {
  RateHost host(GetParam(), 100, 50, 11);
  const double each = 80.0 / static_cast<double>(GetParam());
  host.RunFor(seconds(60), [&](size_t) { return std::vector<double>(20, each); });
  double arrived = 0;
  double admitted = 0;
  for (ClientPrefix client = 1; client <= 20; ++client) {
    arrived += host.arrived(client);
    admitted += host.admitted(client);
  }
  EXPECT_LE(arrived - admitted, 0.001 * arrived);
}

TEST_P(RateSharing, AClientThatMovesBetweenWorkersGetsTheLimit) {
  RateHost host(GetParam(), 100, 50, 13);
  for (int turn = 0; turn < 10; ++turn) {
    host.RunFor(seconds(3), [&](size_t worker) {
      return std::vector<double>{worker == static_cast<size_t>(turn) % GetParam() ? 300.0 : 0.0};
    });
  }
  EXPECT_NEAR(host.admitted(1), 3'050, 0.05 * 3'050);
}

TEST_P(RateSharing, WithoutAControlPlaneNoLimitIsPassed) {
  RateHost host(GetParam(), 100, 50, 15);
  const double each = 1'000.0 / static_cast<double>(GetParam());
  const auto flood = [&](size_t) { return std::vector<double>{each, each}; };
  host.RunFor(seconds(5), flood);
  host.LoseControlPlane();
  host.RunFor(seconds(2), flood);  // Budgets still hold.
  const double before = host.admitted(1);
  host.RunFor(seconds(20), flood);
  EXPECT_LE(host.admitted(1) - before, 2'000 + 50 + 5);
  EXPECT_GE(host.admitted(1) - before, 0.97 * 2'000);
}

TEST_P(RateSharing, AWorkerThatJoinsBreaksNoLimit) {
  RateHost host(GetParam(), 100, 50, 17);
  const auto flood = [&](size_t) { return std::vector<double>{500}; };
  host.RunFor(seconds(5), flood);
  const double before = host.admitted(1);
  host.AddWorker();
  host.RunFor(seconds(10), flood);
  EXPECT_LE(host.admitted(1) - before, 1.03 * 1'000);
  EXPECT_GE(host.admitted(1) - before, 0.92 * 1'000);
}

TEST(RateSharingBounds, AMillionSourcesThatConnectOnceAreNobodysBusiness) {
  RateHost host(4, 100, 50, 19);
  std::vector<double> rates(20'000, 0.05);
  host.RunFor(seconds(10), [&](size_t) { return rates; });
  EXPECT_EQ(host.ledger().clients(), 0u);
}

}  // namespace
}  // namespace lb
