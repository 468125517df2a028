// What a cluster of members does, in the simulator: the bars are those that memberlist itself
// reaches in the same model, with the promises of SWIM and Lifeguard.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/sim/swim_bars.h"

namespace lb::sim {
namespace {

struct Bar {
  size_t members;
  double first_dead_p50_s;
  double all_dead_p99_s;
  double spread_p50_s;
  double packets_lossy;  // Of a member in a second, where 5 % are lost.
  double update_p50_s;
  double update_p99_s;
};
constexpr Bar kBars[] = {
    {10, 6.2, 10, 0.2, 3.2, 0.4, 0.6},
    {30, 8.1, 13, 0.3, 3.3, 0.5, 0.8},
    {100, 10.2, 14.5, 0.4, 3.4, 0.65, 1.0},
};

class SwimBars : public testing::TestWithParam<Bar> {
 protected:
  Trial RunWith(double loss, size_t worlds, size_t each) const {
    return {.members = GetParam().members, .loss = loss, .worlds = worlds, .each = each};
  }
};

TEST_P(SwimBars, ACrashIsNoticedInTime) {
  // A high quantile of few is the worst of them.
  const size_t each = GetParam().members <= 30 ? 30 : 10;
  for (const double loss : {0.0, 0.05, 0.25}) {
    const Detection seen = MeasureCrashes(RunWith(loss, 4, each));
    std::printf("%zu members, %.0f %% lost: suspect %.1f/%.1f s, dead %.1f s, all %.1f s\n",
                GetParam().members, 100 * loss, seen.first_suspect.Quantile(0.5),
                seen.first_suspect.Quantile(0.99), seen.first_dead.Quantile(0.5),
                seen.all_dead.Quantile(0.99));
    const double more = loss > 0.05 ? 1.25 : 1;
    EXPECT_LE(seen.first_suspect.Quantile(0.5), 2.1 * more) << loss;
    EXPECT_LE(seen.first_suspect.Quantile(0.99), 6.5 * more) << loss;
    EXPECT_LE(seen.first_dead.Quantile(0.5), GetParam().first_dead_p50_s * more) << loss;
    EXPECT_LE(seen.all_dead.Quantile(0.99), GetParam().all_dead_p99_s * more) << loss;
    EXPECT_LE(seen.spread.Quantile(0.5), GetParam().spread_p50_s * more) << loss;
    EXPECT_EQ(seen.never, 0u) << loss;
    EXPECT_TRUE(seen.false_failures == 0 || loss > 0.05) << loss;
  }
}

TEST_P(SwimBars, NobodyIsCalledDeadWhoLivesAndProbesCostWhatTheyDidBefore) {
  const Steady calm = MeasureSteady(RunWith(0, 2, 1), 120);
  EXPECT_NEAR(calm.packets_per_s, 2, 0.05) << "however many members there are";
  EXPECT_EQ(calm.false_per_hour, 0);
  const Steady lossy = MeasureSteady(RunWith(0.05, 2, 1), 300);
  EXPECT_LE(lossy.packets_per_s, GetParam().packets_lossy);
  EXPECT_EQ(lossy.false_per_hour, 0);
}

TEST_P(SwimBars, AnUpdateReachesAll) {
  const Spread calm = MeasureUpdates(RunWith(0, 4, 10));
  std::printf("%zu members: update %.2f/%.2f s\n", GetParam().members, calm.all.Quantile(0.5),
              calm.all.Quantile(0.99));
  EXPECT_LE(calm.all.Quantile(0.5), GetParam().update_p50_s);
  EXPECT_LE(calm.all.Quantile(0.95), GetParam().update_p99_s);
}

TEST_P(SwimBars, ALeaveIsNoFailure) {
  const Leaves leaves = MeasureLeaves(RunWith(0.05, 2, 5));
  EXPECT_EQ(leaves.failures, 0u);
  EXPECT_EQ(leaves.all.size(), 10u);
  EXPECT_LE(leaves.all.Quantile(0.5), GetParam().update_p99_s);
}

INSTANTIATE_TEST_SUITE_P(Members, SwimBars, testing::ValuesIn(kBars),
                         [](const auto& bar) { return std::to_string(bar.param.members); });

TEST(SwimClusterTest, ManyThatStartAtOnceFindEachOtherInSeconds) {
  EXPECT_LE(MeasureBurstJoin({.members = 10, .worlds = 10}).Max(), 2);
  EXPECT_LE(MeasureBurstJoin({.members = 30, .worlds = 10}).Max(), 5);
  EXPECT_LE(MeasureBurstJoin({.members = 100, .worlds = 4}).Max(), 10);
}

TEST(SwimClusterTest, TheHalvesOfAPartitionFindEachOtherAgain) {
  for (const size_t members : {size_t{10}, size_t{30}})
    for (const size_t for_s : {size_t{20}, size_t{60}, size_t{180}})
      EXPECT_LE(MeasureHealing({.members = members, .worlds = 5}, for_s).Max(), 35)
          << members << " members, apart for " << for_s << " s";
}

TEST(SwimClusterTest, WhoIsHeldUpDoesNotMakeOthersDead) {
  const Trial run{.members = 128, .tcp_ping = false, .worlds = 1};
  EXPECT_EQ(MeasureStalls(run, 1, 8), 0u);
  EXPECT_EQ(MeasureStalls(run, 1, 32), 0u);
  // SWIM without Lifeguard calls 20,799 and 45,928 of them dead there.
  EXPECT_LE(MeasureStalls(run, 4, 32), 20'799u / 50);
  EXPECT_LE(MeasureStalls(run, 16, 16), 45'928u / 50);
}

TEST(SwimClusterTest, TheSameSeedGivesTheSameRun) {
  const auto trace = [](uint64_t seed) {
    SwimWorld world({.members = 12, .faults = {.loss = 0.1}, .seed = seed});
    world.StartAll(2);
    world.RunFor(std::chrono::seconds(20));
    world.Crash(3);
    world.RunFor(std::chrono::seconds(20));
    return world.trace();
  };
  EXPECT_EQ(trace(5), trace(5));
  EXPECT_NE(trace(5), trace(6));
}

TEST(SwimClusterTest, DuplicatesAndOvertakingChangeNothing) {
  SwimWorld world(
      {.members = 20,
       .faults = {.loss = 0.05, .duplicate = 0.2, .late = std::chrono::milliseconds(80)},
       .seed = 3});
  world.Settle(std::chrono::seconds(300));
  world.RunFor(std::chrono::seconds(300));
  EXPECT_EQ(world.FalseFailures(), 0u);
}

TEST(SwimClusterTest, AMemberThatStartsAgainAtOnceIsBack) {
  SwimWorld world({.members = 20, .seed = 4});
  world.Settle(std::chrono::seconds(300));
  for (size_t member = 1; member <= 10; ++member) {
    world.Crash(member);
    world.Start(member, 1);
    const Instant began = world.now();
    EXPECT_TRUE(world.RunUntil([&] { return world.AllAgree(); }, std::chrono::seconds(3)))
        << member << " after " << (world.now() - began).count();
  }
}

}  // namespace
}  // namespace lb::sim
