// What the bounded table of clients is worth under a flood, and what a decision costs then.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "base/prng.h"
#include "base/time.h"
#include "dataplane/limit/rate_limiter.h"

namespace lb::dataplane {
namespace {

using std::chrono::seconds;

constexpr ClientPrefix kClient = 0xffff0a000001;
const Instant kStart{seconds(1'000)};

// Ten million sources, each once, beside one client that stays below its limit and one that does
// not.
TEST(RateLimiterCostTest, AFloodOfSourcesNeitherFreesNorPunishesTheHonest) {
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
  EXPECT_EQ(limiter.capacity() * sizeof(ClientTable::Entry), 32u << 20);
  std::printf("%.0f ns per decision with ever new sources; %llu of %d pushed out\n",
              static_cast<double>(took.count()) / kSources,
              static_cast<unsigned long long>(limiter.pushed_out()), kSources);
}

}  // namespace
}  // namespace lb::dataplane
