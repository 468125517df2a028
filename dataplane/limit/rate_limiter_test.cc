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
  EXPECT_NEAR(static_cast<double>(usage[0].admitted), 75, 10);
  EXPECT_TRUE(limiter.TakeUsage(false, kStart + seconds(1)).empty()) << "nothing has changed";

  limiter.SetBudget({kClient, 200, 10, false, seconds(2)}, kStart + seconds(1));
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(1), seconds(1), 1'000), 200, 5);
}

TEST(RateLimiterTest, ANewControlPlaneIsToldWhatTheBucketShows) {
  RateLimiter limiter(HundredPerSecond(), {.quiet_ratio = 0.5, .report_ratio = 0.25}, {1, 2});
  (void)Attempt(limiter, kStart, seconds(1), 1'000);
  (void)limiter.TakeUsage(true, kStart + seconds(1));
  // It goes, for long: the client is admitted its share.
  limiter.SetShares({.quiet_ratio = 0.5, .report_ratio = 0}, kStart + seconds(1));
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(1), seconds(10), 1'000), 500, 5);
  const auto usage = limiter.TakeUsage(true, kStart + seconds(11));
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_NEAR(static_cast<double>(usage[0].admitted), 25, 1) << "its burst here";
  EXPECT_EQ(usage[0].arrivals, usage[0].admitted);
  // From there on both count on.
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(11), seconds(1), 1'000), 50, 2);
  const auto next = limiter.TakeUsage(false, kStart + seconds(12));
  ASSERT_EQ(next.size(), 1u);
  EXPECT_NEAR(static_cast<double>(next[0].admitted), 75, 3);
  EXPECT_NEAR(static_cast<double>(next[0].arrivals), 1'025, 3);
}

TEST(RateLimiterTest, ABudgetThatIsNotRenewedEndsInTheShare) {
  RateLimiter limiter(HundredPerSecond(), {.quiet_ratio = 0.5, .report_ratio = 0.25}, {1, 2});
  limiter.SetBudget({kClient, 100, 10, false, seconds(2)}, kStart);
  limiter.Step(kStart + milliseconds(1'900));
  EXPECT_EQ(limiter.expired_budgets(), 0u);
  (void)Attempt(limiter, kStart, seconds(2), 1'000);
  limiter.Step(kStart + seconds(2));
  EXPECT_EQ(limiter.expired_budgets(), 1u);
  EXPECT_NEAR(Attempt(limiter, kStart + seconds(2), seconds(10), 1'000), 500, 30);
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
