#include "dataplane/forward/thread_group.h"

#include <cstdint>
#include <memory>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

std::shared_ptr<ThreadGroup> MakeGroup(size_t threads) {
  auto group = ThreadGroup::Make(threads).value();
  group->SetMaxConnections(1'000'000);
  return group;
}

TEST(ThreadGroupTest, AdmitsNoMoreThanTheMaximum) {
  const auto group = MakeGroup(2);
  group->SetMaxConnections(2);
  EXPECT_TRUE(group->Admit(0));
  EXPECT_TRUE(group->Admit(1));
  EXPECT_FALSE(group->Admit(0));
  group->Leave(1);
  EXPECT_TRUE(group->Admit(0));
  EXPECT_EQ(group->connections(), 2u);
}

TEST(ThreadGroupTest, AFewMoreThanAnotherAreKept) {
  const auto group = MakeGroup(2);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(group->Admit(0));
    EXPECT_EQ(group->Place(0), 0u);
  }
}

// Goal: whichever threads the kernel favours, a thousand connections that stay end up within a
// tenth of the mean. Method: all come to one thread, then to random ones.
TEST(ThreadGroupTest, SpreadsConnectionsThatStayWithinATenthOfTheMean) {
  for (const size_t threads : {2u, 3u, 4u, 8u, 16u}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << threads << " threads, seed " << seed);
      const auto group = MakeGroup(threads);
      Prng random(seed);
      for (uint64_t i = 0; i < 125 * threads; ++i) {
        const size_t thread = seed == 0 ? 0 : random.Next() % threads;
        ASSERT_TRUE(group->Admit(thread));
        group->Place(thread);
      }
      uint64_t sum = 0;
      for (size_t i = 0; i < threads; ++i) {
        EXPECT_NEAR(static_cast<double>(group->connections(i)), 125, 12.5) << "thread " << i;
        sum += group->connections(i);
      }
      EXPECT_EQ(sum, group->connections());
    }
  }
}

TEST(ThreadGroupTest, OneThreadKeepsEverything) {
  const auto group = MakeGroup(1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(group->Admit(0));
    EXPECT_EQ(group->Place(0), 0u);
  }
}

}  // namespace
}  // namespace lb::dataplane
