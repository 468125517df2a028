// Goal: the invariants of the control plane hold whatever goes wrong, and once nothing does, all
// agree. Method: many seeds; a seed names a run, which repeats bit for bit. LB_SIM_SEEDS sets how
// many, LB_SIM_FIRST_SEED where to start.
#include "tests/sim/simulator.h"

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

namespace lb::sim {
namespace {

constexpr uint64_t kSeeds = 100;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(SimulatorTest, InvariantsHoldForEverySeed) {
  const uint64_t first = FromEnvironment("LB_SIM_FIRST_SEED", 1);
  const uint64_t seeds = FromEnvironment("LB_SIM_SEEDS", kSeeds);
  uint64_t events = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const Simulator::Result result = Simulator(seed).Run();
    EXPECT_EQ(result.violation, "") << "LB_SIM_FIRST_SEED=" << seed << " LB_SIM_SEEDS=1";
    events += result.events;
  }
  RecordProperty("events", std::to_string(events));
  EXPECT_GT(events, seeds * 1'000);
}

TEST(SimulatorTest, OneSeedRunTwiceGivesTheSameTrace) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Simulator::Result first = Simulator(seed).Run();
    const Simulator::Result second = Simulator(seed).Run();
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.events, second.events);
  }
  EXPECT_NE(Simulator(1).Run().trace_hash, Simulator(2).Run().trace_hash);
}

}  // namespace
}  // namespace lb::sim
