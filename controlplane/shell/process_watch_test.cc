#include "controlplane/shell/process_watch.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controlplane/shell/process_start.h"
#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

// A process that waits until it is killed.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      while (true) ::pause();
    }
  }
  ~Child() { Kill(); }
  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }

 private:
  pid_t pid_;
};

// With pidfds, and with none to be had.
class ProcessWatchTest : public testing::TestWithParam<size_t> {
 protected:
  TestLoop loop_;
  ProcessWatch watch_{loop_.io(), GetParam(), loop_.sink()};
};

TEST_P(ProcessWatchTest, TellsOnceWhenAProcessEnds) {
  Child child;
  Child other;
  const uint32_t pid = child.pid();
  watch_.Watch({pid, 0});
  watch_.Watch({pid, 0});
  watch_.Watch({other.pid(), 0});
  loop_.RunFor(std::chrono::milliseconds(20));
  EXPECT_TRUE(loop_.Of<ProcessGone>().empty());
  child.Kill();
  ASSERT_TRUE(loop_.RunUntil([this] { return !loop_.Of<ProcessGone>().empty(); }));
  EXPECT_EQ(loop_.Of<ProcessGone>().front().pid, pid);
  loop_.RunFor(std::chrono::milliseconds(20));
  EXPECT_EQ(loop_.Of<ProcessGone>().size(), 1u);
}

TEST_P(ProcessWatchTest, AProcessThatIsNoMoreIsGoneAtOnce) {
  Child child;
  const uint32_t pid = child.pid();
  child.Kill();
  watch_.Watch({pid, 0});
  watch_.Watch({0xffffffff, 0});
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProcessGone>().size() == 2; }));
  EXPECT_EQ(loop_.Of<ProcessGone>()[0].pid, pid);
}

TEST_P(ProcessWatchTest, AnotherProcessWithThePidIsNotTheOneThatIsWatched) {
  Child child;
  const uint64_t ticks = StartTicksOf(child.pid()).value();
  watch_.Watch({child.pid(), ticks});
  watch_.Watch({child.pid(), ticks - 1});
  ASSERT_TRUE(loop_.RunUntil([this] { return !loop_.Of<ProcessGone>().empty(); }));
  EXPECT_EQ(loop_.Of<ProcessGone>().front().start_ticks, ticks - 1);
  loop_.RunFor(std::chrono::milliseconds(20));
  EXPECT_EQ(loop_.Of<ProcessGone>().size(), 1u);
  child.Kill();
  ASSERT_TRUE(loop_.RunUntil([this] { return loop_.Of<ProcessGone>().size() == 2; }));
  EXPECT_EQ(loop_.Of<ProcessGone>()[1].start_ticks, ticks);
}

INSTANTIATE_TEST_SUITE_P(ByPidfdAndByPolling, ProcessWatchTest, testing::Values(16, 0));

}  // namespace
}  // namespace lb::controlplane
