#include "dataplane/control/watchdog.h"

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::seconds;

const Instant kStart = Instant() + seconds(1'000);

TEST(WatchdogTest, EndsAProcessWhoseThreadIsSilentForLong) {
  Watchdog watchdog;
  EXPECT_FALSE(watchdog.Check(true, kStart));
  int second = 1;
  while (!watchdog.Check(false, kStart + seconds(second))) ++second;
  EXPECT_EQ(seconds(second), Watchdog::kSilence);
}

TEST(WatchdogTest, AnAnswerStartsTheCountAgain) {
  Watchdog watchdog;
  for (int second = 0; second < 100; ++second) {
    EXPECT_FALSE(watchdog.Check(second % 9 == 0, kStart + seconds(second)));
  }
}

TEST(WatchdogTest, AStoppedProcessIsNotBlamed) {
  Watchdog watchdog;
  EXPECT_FALSE(watchdog.Check(true, kStart));
  EXPECT_FALSE(watchdog.Check(false, kStart + seconds(1)));
  EXPECT_FALSE(watchdog.Check(false, kStart + seconds(3'600)));
  EXPECT_FALSE(watchdog.Check(false, kStart + seconds(3'601)));
}

}  // namespace
}  // namespace lb::dataplane
