// Long storms over a cluster, of more hosts than cluster_test.cc has. LB_SIM_SEEDS sets how many
// seeds, LB_SIM_FIRST_SEED where to start.
#include "tests/sim/cluster_storm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace lb::sim {
namespace {

constexpr uint64_t kFirstSeed = 1'000;
constexpr uint64_t kSeeds = 6;
constexpr size_t kRounds = 4;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

TEST(LongStormTest, PromisesHoldForEverySeed) {
  const uint64_t first = FromEnvironment("LB_SIM_FIRST_SEED", kFirstSeed);
  const uint64_t seeds = FromEnvironment("LB_SIM_SEEDS", kSeeds);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const StormOutcome outcome =
        RunStorms({.hosts = 4 + seed % 7, .workers = 1 + seed % 3, .seed = seed}, 0.4,
                  std::chrono::seconds(90), kRounds);
    EXPECT_EQ(outcome.violation, "") << "LB_SIM_FIRST_SEED=" << seed << " LB_SIM_SEEDS=1";
  }
}

}  // namespace
}  // namespace lb::sim
