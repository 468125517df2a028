// One rate limit over several hosts, with more busy clients than one word has room for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/sim/rate_cluster.h"

namespace lb::sim {
namespace {

using std::chrono::seconds;

constexpr double kRate = 100;

// The rates of so many clients, each above the limit, over `length` after `converge`.
std::vector<double> RatesOf(RateCluster& cluster, size_t clients, double per_host,
                            Duration converge, Duration length) {
  const auto rates = [&](size_t) { return std::vector<double>(clients, per_host); };
  cluster.RunFor(converge, rates);
  std::vector<double> out;
  for (dataplane::ClientPrefix client = 1; client <= clients; ++client)
    out.push_back(-cluster.admitted(client));
  cluster.RunFor(length, rates);
  for (dataplane::ClientPrefix client = 1; client <= clients; ++client)
    out[client - 1] = (out[client - 1] + cluster.admitted(client)) /
                      std::chrono::duration<double>(length).count();
  std::sort(out.begin(), out.end());
  return out;
}

// The part of `sorted` that is within a tenth of the limit.
double Near(const std::vector<double>& sorted) {
  const auto near = std::upper_bound(sorted.begin(), sorted.end(), 1.1 * kRate) -
                    std::lower_bound(sorted.begin(), sorted.end(), 0.9 * kRate);
  return static_cast<double>(near) / static_cast<double>(sorted.size());
}

void Print(const char* what, const std::vector<double>& sorted, const RateCluster& cluster) {
  std::printf("%s: %.0f..%.0f/s, p5 %.0f, %.1f %% within 10 %%, %.1f words/s to each host\n", what,
              sorted.front(), sorted.back(), sorted[sorted.size() / 20], 100 * Near(sorted),
              cluster.words_per_s());
}

TEST(RateWordsTest, ThousandHotClientsFitIntoTheWords) {
  RateCluster cluster({.seed = 1});
  const auto rates = RatesOf(cluster, 1'000, 60, seconds(10), seconds(10));
  Print("1,000 hot clients", rates, cluster);
  EXPECT_GE(Near(rates), 0.95);
}

TEST(RateWordsTest, ThreeThousandHotClientsFitIntoMoreWords) {
  RateCluster cluster({.seed = 1});
  const auto rates = RatesOf(cluster, 3'000, 60, seconds(8), seconds(6));
  Print("3,000 hot clients", rates, cluster);
  EXPECT_GE(Near(rates), 0.95);
}

// It takes twelve seconds of words to tell of all once.
TEST(RateWordsTest, OfMoreClientsThanTheWordsCarryNobodyPassesTheOvercommit) {
  for (const double per_host : {60.0, 300.0}) {
    RateCluster cluster({.entries = 5, .seed = 1});
    const auto early = RatesOf(cluster, 1'200, per_host, seconds(5), seconds(6));
    Print("overload, after 5 s", early, cluster);
    EXPECT_LE(early.back(), 1.1 * 2 * kRate);
    EXPECT_GE(early[early.size() / 20], 0.3 * kRate);
    const auto late = RatesOf(cluster, 1'200, per_host, seconds(1), seconds(6));
    Print("overload, after 12 s", late, cluster);
    EXPECT_LE(late.back(), 1.1 * 2 * kRate);
  }
}

}  // namespace
}  // namespace lb::sim
