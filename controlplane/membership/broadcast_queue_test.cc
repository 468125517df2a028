#include "controlplane/membership/broadcast_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lb::controlplane::swim {
namespace {

using Parts = std::vector<std::string>;

constexpr size_t kPlenty = 1'400;

std::string Text(char letter, size_t size = 20) { return std::string(size, letter); }

TEST(BroadcastQueueTest, WhatWasSentLeastGoesFirstThenTheLongestThenTheNewest) {
  BroadcastQueue queue;
  queue.Add("a", Text('a'));
  EXPECT_EQ(queue.Take(kPlenty, 9, 5), Parts{Text('a')});
  queue.Add("b", Text('b'));
  queue.Add("c", Text('c'));
  queue.Add("d", Text('d', 30));
  EXPECT_EQ(queue.Take(kPlenty, 9, 5), (Parts{Text('d', 30), Text('c'), Text('b'), Text('a')}));
}

TEST(BroadcastQueueTest, ANewerOneOfTheSameKeyReplacesTheOlder) {
  BroadcastQueue queue;
  queue.Add("a", Text('x'));
  queue.Add("a", Text('y'));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.Take(kPlenty, 9, 5), Parts{Text('y')});
}

TEST(BroadcastQueueTest, WhatWasSentOftenEnoughIsDropped) {
  BroadcastQueue queue;
  queue.Add("a", Text('a'));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Take(kPlenty, 9, 3).size(), 1u);
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.Has("a"));
}

TEST(BroadcastQueueTest, NoMoreIsTakenThanFits) {
  BroadcastQueue queue;
  queue.Add("long", Text('l', 100));
  queue.Add("short", Text('s'));
  EXPECT_EQ(queue.Take(22, 9, 5), Parts{Text('s')}) << "with two bytes for its length";
  EXPECT_TRUE(queue.Take(21, 9, 5).empty());
  EXPECT_EQ(queue.Take(kPlenty, 1, 5), Parts{Text('l', 100)});
}

TEST(BroadcastQueueTest, WhatDoesNotFitIsPassedOverForWhatDoes) {
  BroadcastQueue queue;
  queue.Add("often", Text('o'));
  queue.Add("often too", Text('p', 40));
  EXPECT_EQ(queue.Take(kPlenty, 9, 5), (Parts{Text('p', 40), Text('o')}));
  for (char letter = 'a'; letter <= 'e'; ++letter) queue.Add(Text(letter, 1), Text(letter, 50));
  queue.Add("fits", Text('f', 30));
  EXPECT_EQ(queue.Take(102, 9, 5), (Parts{Text('e', 50), Text('f', 30)}));
  EXPECT_EQ(queue.Take(kPlenty, 9, 5),
            (Parts{Text('d', 50), Text('c', 50), Text('b', 50), Text('a', 50), Text('e', 50),
                   Text('p', 40), Text('f', 30), Text('o')}));
}

}  // namespace
}  // namespace lb::controlplane::swim
