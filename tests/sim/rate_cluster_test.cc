// One rate limit over several hosts: the bars of its design, on virtual time.
#include "tests/sim/rate_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace lb::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kRate = 100;
constexpr double kBurst = 100;

// Admitted connections of client 1 over time, against one bucket that sees everything.
class Record {
 public:
  explicit Record(RateCluster& cluster) : cluster_(cluster) {}

  void RunFor(Duration time, const RateCluster::Rates& rates) {
    const Instant end = cluster_.now() + time;
    while (cluster_.now() < end) {
      const double before = cluster_.admitted(1);
      cluster_.RunFor(milliseconds(100), rates);
      const double took = cluster_.admitted(1) - before;
      tenths_.push_back(took);
      tokens_ = std::min(kBurst, tokens_ + kRate / 10) - took;
      excess_ = std::max(excess_, -tokens_);
    }
  }
  // Of the windows of so many seconds that begin after `from_s`.
  std::pair<double, double> Windows(size_t length_s, size_t from_s) const {
    double least = 1e9;
    double most = 0;
    for (size_t i = from_s * 10; i + length_s * 10 <= tenths_.size(); ++i) {
      double sum = 0;
      for (size_t j = i; j < i + length_s * 10; ++j) sum += tenths_[j];
      least = std::min(least, sum / static_cast<double>(length_s));
      most = std::max(most, sum / static_cast<double>(length_s));
    }
    return {least, most};
  }
  double Sum(size_t from_s, size_t to_s) const {
    double sum = 0;
    for (size_t i = from_s * 10; i < std::min(to_s * 10, tenths_.size()); ++i) sum += tenths_[i];
    return sum;
  }
  // More than one bucket would have let through, at its worst.
  double excess() const { return excess_; }

 private:
  RateCluster& cluster_;
  std::vector<double> tenths_;
  double tokens_ = kBurst;
  double excess_ = 0;
};

void Print(const char* what, const Record& record) {
  const auto [least10, most10] = record.Windows(10, 10);
  const auto [least1, most1] = record.Windows(1, 10);
  std::printf("%-28s 10 s %.0f..%.0f  1 s %.0f..%.0f  first 10 s %.0f  excess %.0f\n", what,
              least10, most10, least1, most1, record.Sum(0, 10), record.excess());
}

struct Spread {
  const char* name;
  std::vector<double> parts;
};

TEST(RateClusterTest, AClientGetsItsLimitWhereverItsConnectionsLand) {
  const std::vector<Spread> spreads{{"uniform", {0.2, 0.2, 0.2, 0.2, 0.2}},
                                    {"skewed", {0.7, 0.2, 0.07, 0.03, 0}},
                                    {"one host", {1, 0, 0, 0, 0}}};
  for (const Spread& spread : spreads) {
    for (const double times : {3.0, 30.0}) {
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        RateCluster cluster({.seed = seed});
        Record record(cluster);
        record.RunFor(seconds(30), [&](size_t host) {
          return std::vector<double>{times * kRate * spread.parts[host]};
        });
        Print(spread.name, record);
        const auto [least10, most10] = record.Windows(10, 10);
        EXPECT_GE(least10, 0.97 * kRate) << spread.name << " " << times;
        EXPECT_LE(most10, 1.03 * kRate) << spread.name << " " << times;
        EXPECT_NEAR(record.Sum(0, 10), kBurst + 10 * kRate, 0.05 * (kBurst + 10 * kRate));
        EXPECT_LE(record.excess(), kBurst + 0.5 * kRate);
      }
    }
  }
}

TEST(RateClusterTest, AClientThatMovesGetsItsLimit) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    RateCluster cluster({.seed = seed});
    Record record(cluster);
    for (size_t turn = 0; turn < 14; ++turn)
      record.RunFor(seconds(3), [&](size_t host) {
        return std::vector<double>{host == turn % 5 ? 3 * kRate : 0.0};
      });
    Print("moving", record);
    const auto [least10, most10] = record.Windows(10, 10);
    EXPECT_GE(least10, 0.95 * kRate);
    EXPECT_LE(most10, 1.05 * kRate);
  }
}

// On all hosts at once, with pauses in which nobody has anything to say of it.
TEST(RateClusterTest, AClientThatComesBackAfterAPauseOwesWhatItTook) {
  for (const Duration pause : {Duration(seconds(2)), Duration(seconds(5)), Duration(seconds(8))}) {
    RateCluster cluster({.burst = kBurst, .seed = 1});
    Record record(cluster);
    for (int round = 0; round < 6; ++round) {
      record.RunFor(milliseconds(500), [](size_t) { return std::vector<double>{600}; });
      record.RunFor(pause, [](size_t) { return std::vector<double>{0}; });
    }
    std::printf("pauses of %.0f s: excess %.0f\n", std::chrono::duration<double>(pause).count(),
                record.excess());
    EXPECT_LE(record.excess(), kBurst + 0.5 * kRate);
  }
}

TEST(RateClusterTest, WithoutOvercommitNoBurstPassesItsLimit) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    RateCluster cluster({.overcommit = 1, .seed = seed});
    Record record(cluster);
    for (int round = 0; round < 4; ++round) {
      record.RunFor(milliseconds(500), [](size_t) { return std::vector<double>{600}; });
      record.RunFor(seconds(5), [](size_t) { return std::vector<double>{0}; });
    }
    std::printf("strict: excess %.0f\n", record.excess());
    EXPECT_LE(record.excess(), 0.1 * kBurst);
  }
}

TEST(RateClusterTest, LostWordsAreMadeUpFor) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    RateCluster cluster({.loss = 0.3, .seed = seed});
    Record record(cluster);
    record.RunFor(seconds(40), [](size_t) { return std::vector<double>{60}; });
    Print("30 % lost", record);
    EXPECT_NEAR(record.Sum(10, 40), 30 * kRate, 0.02 * 30 * kRate);
  }
}

TEST(RateClusterTest, ThePartsOfASplitClusterStayBelowOneAndAHalfLimits) {
  RateCluster cluster({.seed = 1});
  Record record(cluster);
  const auto flood = [](size_t) { return std::vector<double>{60}; };
  record.RunFor(seconds(10), flood);
  cluster.SetPart(3, 1);
  cluster.SetPart(4, 1);
  record.RunFor(seconds(20), flood);
  Print("split 3|2", record);
  EXPECT_LE(record.Sum(13, 30), 17 * 1.5 * kRate);
  EXPECT_GE(record.Sum(13, 30), 17 * kRate);
  cluster.SetPart(3, 0);
  cluster.SetPart(4, 0);
  record.RunFor(seconds(20), flood);
  EXPECT_NEAR(record.Sum(32, 50), 18 * kRate, 0.1 * 18 * kRate);
}

TEST(RateClusterTest, HostsThatAllLoseEachOtherStayBelowTheLimitTogether) {
  RateCluster cluster({.seed = 1});
  Record record(cluster);
  const auto flood = [](size_t) { return std::vector<double>{60}; };
  record.RunFor(seconds(10), flood);
  for (size_t host = 0; host < 5; ++host) cluster.SetPart(host, static_cast<int>(host));
  record.RunFor(seconds(20), flood);
  Print("all alone", record);
  EXPECT_LE(record.Sum(13, 30), 1.1 * 17 * kRate);
  EXPECT_GE(record.Sum(13, 30), 0.9 * 17 * kRate);
}

TEST(RateClusterTest, WhoIsLeftHasTheLimitOfThoseThatCrashed) {
  RateCluster cluster({.seed = 1});
  Record record(cluster);
  const auto flood = [](size_t) { return std::vector<double>{60}; };
  record.RunFor(seconds(10), flood);
  cluster.Crash(3);
  cluster.Crash(4);
  record.RunFor(seconds(20), flood);
  Print("two crash", record);
  EXPECT_GE(record.Sum(10, 12), 0.5 * 2 * kRate);
  EXPECT_NEAR(record.Sum(15, 30), 15 * kRate, 0.1 * 15 * kRate);
}

TEST(RateClusterTest, ClientsBelowTheLimitAreHardlyEverRefused) {
  RateCluster cluster({.seed = 1});
  cluster.RunFor(seconds(60), [](size_t host) {
    return std::vector<double>{16, host == 0 ? 80.0 : 0, host == 1 ? 60.0 : 5};
  });
  for (dataplane::ClientPrefix client = 1; client <= 3; ++client)
    EXPECT_LE(cluster.arrived(client) - cluster.admitted(client), 0.001 * cluster.arrived(client))
        << client;
}

}  // namespace
}  // namespace lb::sim
