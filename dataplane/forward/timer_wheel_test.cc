#include "dataplane/forward/timer_wheel.h"

#include <map>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using namespace std::chrono_literals;
constexpr Instant kStart{1000h};
constexpr Duration kTick = 50ms;

size_t Fired(TimerWheel& wheel, Instant now) {
  size_t fired = 0;
  wheel.Advance(now, [&](Timer&) { ++fired; });
  return fired;
}

TEST(TimerWheelTest, NeverFiresEarlyAndAtMostOneTickLate) {
  TimerWheel wheel(kTick, kStart);
  Timer timer;
  wheel.Arm(timer, kStart + 120ms);
  EXPECT_EQ(Fired(wheel, kStart + 119ms), 0u);
  EXPECT_EQ(Fired(wheel, kStart + 170ms), 1u);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(Fired(wheel, kStart + 10s), 0u);
}

TEST(TimerWheelTest, CancelledAndMovedTimersKeepTheirWord) {
  TimerWheel wheel(kTick, kStart);
  Timer cancelled;
  Timer moved;
  wheel.Arm(cancelled, kStart + 100ms);
  wheel.Arm(moved, kStart + 100ms);
  wheel.Cancel(cancelled);
  wheel.Cancel(cancelled);
  wheel.Arm(moved, kStart + 1s);
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(Fired(wheel, kStart + 900ms), 0u);
  EXPECT_EQ(Fired(wheel, kStart + 1050ms), 1u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(TimerWheelTest, ADeadlineManyTurnsAwayIsKept) {
  TimerWheel wheel(kTick, kStart);
  Timer timer;
  wheel.Arm(timer, kStart + 24h);
  Instant now = kStart;
  while (now < kStart + 24h) {
    EXPECT_EQ(Fired(wheel, now), 0u);
    now = wheel.NextWake().value();
  }
  EXPECT_EQ(Fired(wheel, now), 1u);
  EXPECT_LE(now, kStart + 24h + 2 * kTick);
}

TEST(TimerWheelTest, APastDeadlineFiresAtTheNextWake) {
  TimerWheel wheel(kTick, kStart);
  Fired(wheel, kStart + 1h);
  Timer timer;
  wheel.Arm(timer, kStart);
  EXPECT_EQ(Fired(wheel, wheel.NextWake().value()), 1u);
}

TEST(TimerWheelTest, NothingArmedNeedsNoWake) {
  TimerWheel wheel(kTick, kStart);
  EXPECT_EQ(wheel.NextWake(), std::nullopt);
  Timer timer;
  wheel.Arm(timer, kStart + 1s);
  EXPECT_GT(wheel.NextWake().value(), kStart + 1s);
  wheel.Cancel(timer);
  EXPECT_EQ(wheel.NextWake(), std::nullopt);
}

TEST(TimerWheelTest, TheCallMayArmAgainAndDestroyOthers) {
  TimerWheel wheel(kTick, kStart);
  auto first = std::make_unique<Timer>();
  auto second = std::make_unique<Timer>();
  wheel.Arm(*first, kStart + 100ms);
  wheel.Arm(*second, kStart + 100ms);
  int calls = 0;
  wheel.Advance(kStart + 1s, [&](Timer& timer) {
    ++calls;
    EXPECT_EQ(&timer, first.get());
    wheel.Cancel(*second);
    second.reset();
    wheel.Arm(timer, kStart + 1s);
  });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Fired(wheel, kStart + 1s + kTick), 1u);
}

// Goal: thousands of timers over days fire in [deadline, deadline + tick] when woken as NextWake
// says. Method: random arming, moving and cancelling against a plain list.
TEST(TimerWheelTest, AgreesWithAPlainListOverRandomUse) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    Prng random(seed);
    TimerWheel wheel(kTick, kStart);
    std::vector<Timer> timers(200);
    std::map<Timer*, Instant> expected;
    Instant now = kStart;
    for (int step = 0; step < 2000; ++step) {
      Timer& timer = timers[random.Below(timers.size())];
      if (random.Chance(1, 5)) {
        wheel.Cancel(timer);
        expected.erase(&timer);
      } else {
        const Duration in = std::chrono::milliseconds(random.Below(200'000));
        wheel.Arm(timer, now + in);
        expected[&timer] = now + in;
      }
      if (random.Chance(1, 3) && wheel.NextWake().has_value()) now = wheel.NextWake().value();
      wheel.Advance(now, [&](Timer& due) {
        ASSERT_EQ(expected.count(&due), 1u);
        EXPECT_LE(expected[&due], now);
        EXPECT_GE(expected[&due] + 2 * kTick, now);
        expected.erase(&due);
      });
      ASSERT_EQ(wheel.size(), expected.size());
    }
    for (Timer& timer : timers) wheel.Cancel(timer);
  }
}

}  // namespace
}  // namespace lb::dataplane
