#include "dataplane/limit/rate_limiter.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/time.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr ClientPrefix kClient = 0xffff0a000001;
const Instant kStart{seconds(1'000)};

RateLimiter::Settings HundredPerSecond() {
  return {.rate_per_s = 100, .burst = 50, .prefix_lengths = {}, .max_clients = 1'000};
}

RateLimiter::Shares FourWorkers() {
  return {.quiet_ratio = 0.5, .report_ratio = 0.125, .fallback_ratio = 0.25};
}

// Attempts of one client at this rate; returns how many were admitted.
int Attempt(RateLimiter& limiter, Instant from, Duration time, int per_s) {
  int admitted = 0;
  const int64_t count = time.count() * per_s / std::nano::den;
  for (int64_t i = 0; i < count; ++i)
    admitted += limiter.Admit(kClient, from + nanoseconds(i * std::nano::den / per_s)) ? 1 : 0;
  return admitted;
}

TEST(RateLimiterTest, AWorkerAloneGivesTheWholeLimit) {
  RateLimiter limiter(HundredPerSecond(), {}, {1, 2});
  EXPECT_NEAR(Attempt(limiter, kStart, seconds(10), 1'000), 1'050, 2);
  EXPECT_EQ(limiter.hot_clients(), 0u) << "nobody asks for reports";
}

TEST(RateLimiterTest, ClientsBelowTheLimitAreNeverRefused) {
  RateLimiter limiter(HundredPerSecond(), {}, {1, 2});
  EXPECT_EQ(Attempt(limiter, kStart, seconds(10), 99), 990);
}

TEST(RateLimiterTest, AShareIsAPartOfRateAndBurst) {
  RateLimiter limiter(HundredPerSecond(), {.quiet_ratio = 0.5, .report_ratio = 0}, {1, 2});
  EXPECT_NEAR(Attempt(limiter, kStart, seconds(10), 1'000), 525, 2);
}

TEST(RateLimiterTest, ReportsWhoIsBusyAndAppliesItsBudget) {
  RateLimiter limiter(HundredPerSecond(), {.quiet_ratio = 0.5, .report_ratio = 0.25}, {1, 2});
  (void)Attempt(limiter, kStart, seconds(1), 1'000);
  EXPECT_TRUE(limiter.TakeAdded());
  const auto usage = limiter.TakeUsage(false, kStart + seconds(1));
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_EQ(usage[0].client, kClient);
  EXPECT_NEAR(static_cast<double>(usage[0].arrivals), 1'000, 30);
  EXPECT_NEAR(static_cast<double>(usage[0].admitted), 75, 15) << "but the first ones";
  EXPECT_EQ(usage[0].missing, 50u) << "what it took, but not more than two bursts";
  EXPECT_TRUE(limiter.TakeUsage(false, kStart + seconds(1)).empty()) << "nothing has changed";
  const auto again = limiter.TakeUsage(true, kStart + seconds(1));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_NEAR(static_cast<double>(again[0].missing), 25, 1) << "its part, from then on";

  limiter.SetBudget({kClient, 200, 10, false, seconds(2)}, kStart + seconds(1));
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(1), seconds(1), 1'000), 200, 5);
}

TEST(RateLimiterTest, ABudgetThatIsNotRenewedEndsInTheShare) {
  RateLimiter limiter(HundredPerSecond(), FourWorkers(), {1, 2});
  limiter.SetBudget({kClient, 100, 10, false, seconds(2)}, kStart);
  (void)Attempt(limiter, kStart, milliseconds(1'900), 1'000);
  limiter.Step(kStart + milliseconds(1'900));
  EXPECT_EQ(limiter.expired_budgets(), 0u);
  limiter.Step(kStart + seconds(2));
  EXPECT_EQ(limiter.expired_budgets(), 1u);
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(2), seconds(10), 1'000), 250, 15)
      << "what all may admit when nobody divides the limit";
}

TEST(RateLimiterTest, WhoWaitsForABudgetInVainHasTheFallbacksPart) {
  RateLimiter limiter(HundredPerSecond(), FourWorkers(), {1, 2});
  const Duration tick = milliseconds(100);
  Instant now = kStart;
  const auto run = [&](Duration time) {
    int admitted = 0;
    for (const Instant end = now + time; now < end; now += tick) {
      admitted += Attempt(limiter, now, tick, 1'000);
      limiter.Step(now + tick);
    }
    return admitted;
  };
  EXPECT_NEAR(run(seconds(2)), 125, 10);
  (void)run(milliseconds(200));
  EXPECT_NEAR(run(seconds(10)), 250, 10);
  limiter.SetBudget({kClient, 200, 10, false, seconds(60)}, now);
  EXPECT_NEAR(run(seconds(10)), 2'000, 20);
}

TEST(RateLimiterTest, TheBudgetOfAnIdleClientEndsQuietly) {
  RateLimiter limiter(HundredPerSecond(), FourWorkers(), {1, 2});
  (void)Attempt(limiter, kStart, seconds(1), 100);
  limiter.Step(kStart + seconds(1));
  limiter.SetBudget({kClient, 100, 10, false, seconds(2)}, kStart + seconds(1));
  limiter.Step(kStart + seconds(3));
  EXPECT_EQ(limiter.expired_budgets(), 0u);
  EXPECT_NEAR(limiter.Look(kClient, kStart + seconds(3)).rate_per_s, 50, 0.1);
}

TEST(RateLimiterTest, WhoFindsNoRoomHasTheFallbacksPart) {
  RateLimiter::Settings settings = HundredPerSecond();
  settings.max_clients = 100'000;
  RateLimiter limiter(settings, FourWorkers(), {1, 2});
  for (ClientPrefix other = 1; other <= 4 * HotClients::kMaxClients; ++other)
    limiter.SetBudget({other << 32, 100, 10, false, seconds(60)}, kStart);
  // One of those that have no place there.
  ClientPrefix client = kClient;
  while (limiter.refused_hot_clients() <= 4 * HotClients::kMaxClients - limiter.hot_clients())
    for (++client; limiter.Admit(client, kStart);) continue;
  const uint64_t refused = limiter.refused_hot_clients();
  int admitted = 0;
  for (int i = 0; i < 10'000; ++i)
    admitted += limiter.Admit(client, kStart + milliseconds(i)) ? 1 : 0;
  EXPECT_NEAR(admitted, 250, 15);
  EXPECT_GT(limiter.refused_hot_clients(), refused);
}

TEST(RateLimiterTest, ForgetsWhoIsQuiet) {
  RateLimiter limiter(HundredPerSecond(), {.quiet_ratio = 0.5, .report_ratio = 0.25}, {1, 2});
  (void)Attempt(limiter, kStart, seconds(1), 1'000);
  (void)limiter.TakeUsage(false, kStart + seconds(1));
  limiter.Step(kStart + seconds(2));
  EXPECT_EQ(limiter.hot_clients(), 1u);
  limiter.Step(kStart + seconds(20));
  EXPECT_EQ(limiter.hot_clients(), 0u);
}

TEST(RateLimiterTest, AReloadKeepsTheTokens) {
  RateLimiter limiter(HundredPerSecond(), {}, {1, 2});
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(limiter.Admit(kClient, kStart));
  RateLimiter::Settings settings = HundredPerSecond();
  settings.rate_per_s = 10;
  settings.burst = 1'000;
  limiter.SetLimit(settings, kStart);
  EXPECT_NEAR(limiter.Look(kClient, kStart).tokens, 20, 0.1);
  EXPECT_NEAR(limiter.Look(kClient, kStart + seconds(1)).tokens, 30, 0.1);
}

TEST(RateLimiterTest, ShowsTheBusiest) {
  RateLimiter limiter(HundredPerSecond(), {}, {1, 2});
  for (ClientPrefix client = 1; client <= 20; ++client)
    for (ClientPrefix i = 0; i < 5 * client; ++i) (void)limiter.Admit(client, kStart);
  const auto busiest = limiter.Busiest(3, kStart);
  ASSERT_EQ(busiest.size(), 3u);
  EXPECT_EQ(busiest[0].client, 20u);
  EXPECT_EQ(busiest[0].arrivals_per_s, 100);
  EXPECT_EQ(busiest[0].refused_per_s, 50);
  EXPECT_EQ(busiest[0].tokens, 0);
  EXPECT_EQ(busiest[2].client, 18u);
}

}  // namespace
}  // namespace lb::dataplane
