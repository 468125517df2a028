// Goal: a cluster keeps its promises while what can go wrong goes wrong, and all comes together
// again when nothing does. Method: real control planes and the control thread of real workers on
// virtual time (cluster_world.h). LB_SIM_SEEDS sets how many storms, LB_SIM_FIRST_SEED where to
// start; a seed names a run, which repeats bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/sim/cluster_storm.h"

namespace lb::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr size_t kHosts = 5;
constexpr double kRate = 100;
constexpr uint64_t kSeeds = 6;
// The membership's bar of a healed partition; a restart of a process is seen sooner.
constexpr seconds kHealed{35};
constexpr seconds kBack{10};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

class ClusterTest : public testing::Test {
 protected:
  // After a calm time, with clients of each pattern.
  ClusterTest() {
    world_.Start();
    world_.AddClients(4);
    world_.RunFor(seconds(40));
    EXPECT_TRUE(world_.AllAreMembers());
    EXPECT_TRUE(world_.AllAreSynced());
    world_.traffic().ForgetExtremes();
  }
  ~ClusterTest() override { EXPECT_EQ(world_.violation(), ""); }

  bool AllAreMembersWithin(Duration limit) {
    return world_.RunUntil([this] { return world_.AllAreMembers(); }, limit);
  }
  // What a client was let do in the windows since the last look.
  ClusterTraffic::Extremes TakeRates(const char* what) {
    const ClusterTraffic::Extremes rates = world_.traffic().Of(ClusterWorld::kWeb);
    std::printf("%-40s %.0f to %.0f/s\n", what, rates.least, rates.most);
    world_.traffic().ForgetExtremes();
    return rates;
  }

  ClusterWorld world_{{.hosts = kHosts, .rate_per_s = kRate, .burst = kRate, .seed = 11}};
};

TEST_F(ClusterTest, InCalmTimesClientsHaveTheirLimitAndBackendsAreFull) {
  world_.RunFor(seconds(60));
  const ClusterTraffic::Extremes rates = TakeRates("calm");
  EXPECT_GE(rates.least, 0.85 * kRate);
  EXPECT_LE(rates.most, 1.15 * kRate);
  EXPECT_GE(world_.counts().most_pool * 10, world_.settings().pool_limit * 9);
  EXPECT_GE(world_.counts().most_web * 10, world_.settings().web_limit * 9);
}

TEST_F(ClusterTest, TheSidesOfAPartitionTogetherStayBelowOneAndAHalfLimits) {
  world_.Split({0, 0, 0, 1, 1});
  world_.RunFor(seconds(10));
  world_.traffic().ForgetWindows();
  TakeRates("a partition begins");
  world_.RunFor(seconds(60));
  EXPECT_LE(TakeRates("a partition").most, 1.5 * kRate);
  world_.Split({0, 0, 0, 0, 0});
  EXPECT_TRUE(AllAreMembersWithin(kHealed));
  world_.RunFor(seconds(30));
  world_.traffic().ForgetWindows();
  TakeRates("it heals");
  world_.RunFor(seconds(20));
  EXPECT_LE(TakeRates("it has healed").most, 1.15 * kRate);
}

TEST_F(ClusterTest, HostsThatCrashLeaveTheirPartToTheOthers) {
  world_.host(1).CrashMachine();
  world_.host(3).CrashMachine();
  world_.RunFor(seconds(5));
  world_.traffic().ForgetWindows();
  world_.RunFor(seconds(30));
  const ClusterTraffic::Extremes rates = TakeRates("two of five are gone");
  EXPECT_GE(rates.least, 0.7 * kRate);
  EXPECT_LE(rates.most, 1.2 * kRate);
  world_.host(1).StartMachine();
  world_.host(3).StartMachine();
  EXPECT_TRUE(AllAreMembersWithin(kBack));
  EXPECT_TRUE(world_.RunUntil([this] { return world_.AllAreSynced(); }, kBack));
}

TEST_F(ClusterTest, AControlPlaneThatIsHeldUpIsAMemberAgain) {
  world_.host(2).HoldUp(seconds(5));
  world_.RunFor(seconds(5) + milliseconds(1));
  EXPECT_TRUE(AllAreMembersWithin(kBack));
  world_.RunFor(seconds(15));
  EXPECT_LE(TakeRates("one is held up").most, 1.5 * kRate);
}

TEST_F(ClusterTest, AWallClockThatJumpsChangesNothing) {
  for (const int by : {1, -2, 1}) {
    world_.host(4).SetWallClock(hours(by));
    world_.RunFor(seconds(5));
    EXPECT_TRUE(world_.AllAreMembers());
    world_.host(4).KillControlPlane();
    world_.RunFor(milliseconds(200));
    world_.host(4).StartControlPlane();
    EXPECT_TRUE(AllAreMembersWithin(kBack));
    EXPECT_TRUE(world_.RunUntil([this] { return world_.AllAreSynced(); }, kBack));
  }
}

// Each of them says good-bye, and waits until that was heard without asking for its turn again and
// again: the world takes that for a violation.
TEST_F(ClusterTest, AllRestartOneByOneUnderLoadAndNobodyIsCalledDead) {
  for (size_t i = 0; i < kHosts; ++i) {
    ClusterHost& host = world_.host(i);
    const uint64_t life = host.life();
    host.StopControlPlane();
    EXPECT_TRUE(world_.RunUntil([&] { return host.life() >= life + 2; }, seconds(5)));
    EXPECT_TRUE(AllAreMembersWithin(kBack)) << i;
    EXPECT_TRUE(world_.RunUntil([this] { return world_.AllAreSynced(); }, kBack)) << i;
    for (size_t other = 0; other < kHosts; ++other)
      EXPECT_EQ(world_.host(other).Status().cluster().members_failed(), 0u) << i;
  }
  world_.RunFor(seconds(10));
  EXPECT_LE(TakeRates("restarts").most, 1.5 * kRate);
}

TEST_F(ClusterTest, ABadNetworkCostsLittle) {
  world_.SetFaults({.loss = 0.25});
  world_.RunFor(seconds(60));
  const ClusterTraffic::Extremes loss = TakeRates("25 % are lost");
  EXPECT_GE(loss.least, 0.7 * kRate);
  EXPECT_LE(loss.most, 1.3 * kRate);
  world_.SetFaults({.loss = 0, .duplicate = 0.3, .late = milliseconds(80)});
  world_.RunFor(seconds(60));
  const ClusterTraffic::Extremes late = TakeRates("doubles, and overtaking");
  EXPECT_GE(late.least, 0.7 * kRate);
  EXPECT_LE(late.most, 1.3 * kRate);
  world_.SetFaults({});
  EXPECT_TRUE(AllAreMembersWithin(kHealed));
}

StormOutcome RunStorm(uint64_t seed, Duration faulty) {
  return RunStorms({.hosts = 3 + seed % 3, .workers = 1 + seed % 2, .seed = seed}, 0.3, faulty, 1);
}

TEST(ClusterStormTest, PromisesHoldForEverySeed) {
  const uint64_t first = FromEnvironment("LB_SIM_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("LB_SIM_SEEDS", kSeeds);
  for (uint64_t seed = first; seed < first + seeds; ++seed)
    EXPECT_EQ(RunStorm(seed, seconds(60)).violation, "")
        << "LB_SIM_FIRST_SEED=" << seed << " LB_SIM_SEEDS=1";
}

TEST(ClusterStormTest, OneSeedRunTwiceGivesTheSameTrace) {
  const StormOutcome one = RunStorm(3, seconds(20));
  const StormOutcome two = RunStorm(3, seconds(20));
  EXPECT_EQ(one.trace, two.trace);
  EXPECT_EQ(one.steps, two.steps);
  EXPECT_NE(one.trace, RunStorm(4, seconds(20)).trace);
}

}  // namespace
}  // namespace lb::sim
