// What the bounded table of clients is worth under a flood, and what a decision costs then.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include "base/prng.h"
#include "base/time.h"
#include "dataplane/limit/rate_limiter.h"

namespace lb::dataplane {
namespace {

using std::chrono::seconds;

constexpr ClientPrefix kClient = 0xffff0a000001;
const Instant kStart{seconds(1'000)};

// What the table of clients with budgets and a page table may add.
constexpr double kResidentFactor = 1.1;

// Memory of this process that is in use: VmRSS of proc(5).
uint64_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  uint64_t kilobytes = 0;
  while (status >> word && word != "VmRSS:") {
  }
  status >> kilobytes;
  EXPECT_GT(kilobytes, 0u);
  return kilobytes << 10;
}

// Ten million sources, each once, beside one client that stays below its limit and one that does
// not.
TEST(RateLimiterCostTest, AFloodOfSourcesNeitherFreesNorPunishesTheHonest) {
  const uint64_t resident_before = ResidentBytes();
  RateLimiter limiter(
      {.rate_per_s = 100, .burst = 50, .prefix_lengths = {}, .max_clients = 1 << 20}, {}, {3, 4});
  Prng prng(5);
  constexpr int kSources = 10'000'000;
  constexpr Duration kTime = seconds(10);
  int admitted = 0;
  const Instant begin = ReadClocks().steady;
  for (int i = 0; i < kSources; ++i) {
    const Instant now = kStart + kTime / kSources * i;
    (void)limiter.Admit(prng.Next() | uint64_t{1} << 63, now);
    // 80 a second, below the limit; then the ones above it.
    if (i % (kSources / 800) == 0) {
      EXPECT_TRUE(limiter.Admit(kClient, now));
    }
    if (i % (kSources / 10'000) == 0) admitted += limiter.Admit(kClient + 1, now) ? 1 : 0;
  }
  const Duration took = ReadClocks().steady - begin;
  EXPECT_NEAR(admitted, 1'050, 5);
  constexpr uint64_t kTableBytes = 32u << 20;
  EXPECT_EQ(limiter.capacity() * sizeof(ClientTable::Entry), kTableBytes);
  const uint64_t grown = ResidentBytes() - resident_before;
  EXPECT_LT(static_cast<double>(grown), kResidentFactor * kTableBytes);
  std::printf(
      "%.0f ns per decision with ever new sources; %llu of %d pushed out; memory grew by %.1f MiB, "
      "%.0f MiB allowed\n",
      static_cast<double>(took.count()) / kSources,
      static_cast<unsigned long long>(limiter.pushed_out()), kSources,
      static_cast<double>(grown) / (1 << 20), static_cast<double>(kTableBytes) / (1 << 20));
}

// Goal: the bucket of one who came before the flood is as full after it as without it.
// Method: it spends its burst, then ten million others come within a tenth of a second.
TEST(RateLimiterCostTest, AFloodLeavesTheBucketOfOneWhoCameBefore) {
  RateLimiter limiter({.rate_per_s = 1, .burst = 100, .prefix_lengths = {}, .max_clients = 1 << 20},
                      {}, {3, 4});
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(limiter.Admit(kClient, kStart));
  Prng prng(6);
  constexpr int kSources = 10'000'000;
  const Instant end = kStart + std::chrono::milliseconds(100);
  for (int i = 0; i < kSources; ++i)
    (void)limiter.Admit(prng.Next() | uint64_t{1} << 63, kStart + (end - kStart) / kSources * i);
  int left = 0;
  while (limiter.Admit(kClient, end)) ++left;
  EXPECT_EQ(left, 40);
  EXPECT_GT(limiter.pushed_out(), 8'000'000u) << "the table was never full";
}

}  // namespace
}  // namespace lb::dataplane
