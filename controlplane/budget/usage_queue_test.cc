#include "controlplane/budget/usage_queue.h"

#include <gtest/gtest.h>

#include <set>

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

class UsageQueueTest : public testing::Test {
 protected:
  UsageQueueTest() {
    for (uint64_t prefix = 0; prefix < 10; ++prefix) queue_.Add({At(prefix), Key(prefix)});
  }
  static UsageQueue::Key Key(uint64_t prefix) { return {"web", prefix}; }
  static Instant At(uint64_t second) { return Instant(seconds(second)); }

  UsageQueue queue_;
};

TEST_F(UsageQueueTest, WhoWaitsLongestIsFirst) {
  EXPECT_EQ(queue_.Oldest(2), (std::vector{Key(0), Key(1)}));
  queue_.Remove({At(0), Key(0)});
  queue_.Add({At(100), Key(0)});
  EXPECT_EQ(queue_.Oldest(2), (std::vector{Key(1), Key(2)}));
  EXPECT_EQ(queue_.Oldest(100).back(), Key(0));
}

TEST_F(UsageQueueTest, ThoseThatCannotWaitTakeTurns) {
  for (const uint64_t prefix : {1u, 2u, 3u}) queue_.SetUrgent(Key(prefix));
  EXPECT_EQ(queue_.TakeUrgent(2), (std::vector{Key(1), Key(2)}));
  queue_.SetUrgent(Key(1));
  EXPECT_EQ(queue_.TakeUrgent(1), (std::vector{Key(3)})) << "the one that had no turn yet";
  EXPECT_EQ(queue_.TakeUrgent(2), (std::vector{Key(1)}));
  EXPECT_FALSE(queue_.has_urgent());
  queue_.SetUrgent(Key(5));
  queue_.Remove({At(5), Key(5)});
  EXPECT_FALSE(queue_.has_urgent()) << "who is gone is not told of";
}

TEST_F(UsageQueueTest, EverybodyWhoWaitsTooLongIsSeenInTurn) {
  std::set<UsageQueue::Key> seen;
  bool all_seen = false;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(all_seen);
    for (const UsageQueue::Key& key : queue_.NextBefore(At(7), 3, all_seen))
      EXPECT_TRUE(seen.insert(key).second);
  }
  EXPECT_TRUE(all_seen);
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(queue_.NextBefore(At(7), 3, all_seen).front(), Key(0)) << "and again";
  queue_.NextBefore(At(0), 3, all_seen);
  EXPECT_TRUE(all_seen) << "nobody waits too long";
}

}  // namespace
}  // namespace lb::controlplane
