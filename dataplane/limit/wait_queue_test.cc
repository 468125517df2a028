#include "dataplane/limit/wait_queue.h"

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/limit/slots.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// Calls write down who was called.
class WaitQueueTest : public testing::Test {
 protected:
  WaitQueue::Call CallOf(int who) {
    return [this, who] { called_.push_back(who); };
  }
  WaitQueue::Place Enter(int who) { return queue_.Enter(100, CallOf(who)).value(); }

  WaitQueue queue_;
  std::vector<int> called_;
};

TEST_F(WaitQueueTest, FirstComeFirstCalledOncePerCall) {
  Enter(1);
  Enter(2);
  Enter(3);
  queue_.CallNext();
  EXPECT_EQ(called_, (std::vector<int>{1}));
  queue_.CallNext();
  EXPECT_EQ(called_, (std::vector<int>{1, 2}));
}

TEST_F(WaitQueueTest, WhoComesBackKeepsItsPlace) {
  const WaitQueue::Place first = Enter(1);
  Enter(2);
  queue_.CallNext();
  queue_.Return(first, CallOf(1));
  queue_.CallNext();
  EXPECT_EQ(called_, (std::vector<int>{1, 1}));
}

TEST_F(WaitQueueTest, ACallMayPassOverThoseItIsOfNoUseTo) {
  const WaitQueue::Place first = Enter(1);
  Enter(2);
  queue_.CallNext();
  queue_.Return(first, CallOf(1));
  queue_.CallBehind(first);
  EXPECT_EQ(called_, (std::vector<int>{1, 2}));
  queue_.CallBehind(first + 1);  // Nobody is left there.
  EXPECT_EQ(called_.size(), 2u);
}

TEST_F(WaitQueueTest, OneOrAllAreCalledWhereverTheyStand) {
  Enter(1);
  const WaitQueue::Place second = Enter(2);
  Enter(3);
  queue_.CallAt(second);
  queue_.CallAt(second);  // It was called already.
  EXPECT_EQ(called_, (std::vector<int>{2}));
  queue_.CallAll();
  queue_.CallAll();
  EXPECT_EQ(called_, (std::vector<int>{2, 1, 3}));
  EXPECT_EQ(queue_.waiting(), 3u);
}

TEST_F(WaitQueueTest, LeavingSaysWhetherACallWasLost) {
  const WaitQueue::Place first = Enter(1);
  const WaitQueue::Place second = Enter(2);
  queue_.CallNext();
  EXPECT_TRUE(queue_.Leave(first));
  EXPECT_FALSE(queue_.Leave(second));
  queue_.CallNext();
  EXPECT_EQ(called_, (std::vector<int>{1}));
}

TEST_F(WaitQueueTest, TheBoundCountsThoseCalledUntilTheyLeave) {
  const WaitQueue::Place place = queue_.Enter(1, CallOf(1)).value();
  queue_.CallNext();
  EXPECT_EQ(queue_.Enter(1, CallOf(2)), std::nullopt);
  EXPECT_EQ(queue_.waiting(), 1u);
  queue_.Leave(place);
  EXPECT_NE(queue_.Enter(1, CallOf(2)), std::nullopt);
}

// What a thread is told by calls, in the order they came.
class Mail final {
 public:
  void Put(size_t who) {
    const std::lock_guard lock(mutex_);
    mail_.push_back(who);
  }
  std::deque<size_t> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mail_, {});
  }

 private:
  std::mutex mutex_;
  std::deque<size_t> mail_;
};

// Goal: no wake-up is lost, whatever the threads do at the same time. Method: two threads take the
// only slot in turns, thousands of times, waiting for it as a connection does; a lost wake-up would
// leave one waiting for ever, which the test's time limit shows.
TEST(WaitQueueRaceTest, EverybodyWhoWaitsIsServed) {
  constexpr size_t kThreads = 2;
  constexpr size_t kTurns = 20'000;
  Slots slots;
  slots.Grant(1);
  WaitQueue queue;
  std::atomic<size_t> served{0};
  const auto run = [&] {
    Mail mail;
    for (size_t turn = 0; turn < kTurns; ++turn) {
      if (!slots.TryTake()) {
        const WaitQueue::Place place = queue.Enter(kThreads, [&, turn] { mail.Put(turn); }).value();
        if (slots.HasFree()) queue.CallNext();
        for (bool taken = false; !taken;) {
          for (size_t calls = mail.Take().size(); calls > 0 && !taken; --calls) {
            taken = slots.TryTake();
            if (taken) break;
            queue.Return(place, [&, turn] { mail.Put(turn); });
            if (slots.HasFree()) queue.CallNext();
          }
          std::this_thread::yield();
        }
        queue.Leave(place);
        if (slots.HasFree()) queue.CallNext();
      }
      served.fetch_add(1);
      slots.Return();
      queue.CallNext();
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) threads.emplace_back(run);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served.load(), kThreads * kTurns);
  EXPECT_EQ(queue.waiting(), 0u);
}

}  // namespace
}  // namespace lb::dataplane
