// A limit that hosts did not have before: an even part is used at once, and all together stay
// within the limit however they get it.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/slot_world.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

int64_t RightsOf(SlotWorld& world, size_t host) {
  return world.exchange(host).Look(SlotWorld::Key(), world.now())->rights;
}

// No connection is refused for want of an even part, however the hosts get the limit.
TEST(NewLimitTest, ANewLimitIsUsedAtOnce) {
  for (const auto apart : {milliseconds(0), milliseconds(30), milliseconds(700),
                           milliseconds(5'000), milliseconds(10'000)}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SlotWorld world({.limit = 0, .seed = seed, .loss_percent = seed == 5 ? 3u : 0u});
      world.WantAll(200);
      world.RunFor(seconds(12));
      for (size_t i = 0; i < 5; ++i) {
        world.SetLimit(i, 100);
        world.RunFor(SlotWorld::kStep);
        EXPECT_GE(RightsOf(world, i), 20) << i << " after " << apart.count() << " ms";
        world.RunFor(milliseconds(30));
        EXPECT_GE(world.HeldBy(i), 20u) << i << " after " << apart.count() << " ms";
        world.RunFor(apart);
      }
      world.RunFor(seconds(90));
      EXPECT_LE(world.most_granted(), 100u) << apart.count();
      EXPECT_GE(world.held(), 96u) << apart.count();
    }
  }
}

// Who has had it for a minute holds all of it by then, and gives of it at once.
TEST(NewLimitTest, AHostThatGetsANewLimitLateIsSoonGivenAPart) {
  SlotWorld world({.limit = 0});
  world.WantAll(200);
  world.RunFor(seconds(12));
  for (size_t i = 0; i < 5; ++i) {
    world.SetLimit(i, 100);
    world.RunFor(seconds(1));
    EXPECT_GE(world.HeldBy(i), 10u) << i;
    world.RunFor(seconds(80));
  }
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(NewLimitTest, ANewLimitIsNeverPassedHoweverHostsGetIt) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Prng random(seed);
    const auto below = [&](int64_t ms) {
      return milliseconds(random.Below(static_cast<uint64_t>(ms)));
    };
    SlotWorld world({.limit = 0, .seed = seed, .loss_percent = seed % 3 * 20});
    world.WantAll(200);
    world.RunFor(below(8'000));
    const size_t host = random.Below(5);
    if (seed % 2 == 0) {
      world.Crash(host);
      world.RunFor(below(4'000));
      world.Start(host, seed % 4 == 0);
      world.RunFor(below(6'000));
    }
    for (size_t i = 0; i < 5; ++i) {
      world.SetLimit((i + host) % 5, 100);
      // Sometimes as late as others begin to go on without the rest.
      world.RunFor(seed % 5 == 0 ? seconds(59) + below(2'000) : below(3'000));
    }
    world.RunFor(seconds(30));
    EXPECT_LE(world.most_granted(), 100u) << seed;
    EXPECT_GE(world.held(), 90u) << seed;
  }
}

// A host that forgot the limit gave its part away before, and others kept that.
TEST(NewLimitTest, ALimitThatReturnsIsNoNewOne) {
  SlotWorld world({});
  world.Want(1, 500);
  world.RunFor(seconds(10));
  for (const size_t i : {0u, 2u, 3u, 4u}) world.SetLimit(i, 0);
  world.RunFor(minutes(12));
  world.WantAll(200);
  for (const size_t i : {0u, 2u, 3u, 4u}) world.SetLimit(i, 100);
  world.RunFor(seconds(20));
  EXPECT_LE(world.most_granted(), 100u);
  EXPECT_GE(world.held(), 96u);
}

}  // namespace
}  // namespace lb::controlplane
