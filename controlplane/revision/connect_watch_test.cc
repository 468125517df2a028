#include "controlplane/revision/connect_watch.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

const WorkerKey kWorker{"worker-1", "life"};

// Reports of one worker, a second apart.
class ConnectWatchTest : public testing::Test {
 protected:
  void Report(const std::string& rule, const std::string& backend, uint64_t connects,
              uint64_t failures, bool runs = true) {
    worker::v1::StatsReport report;
    worker::v1::StatsReport::Backend& one = *report.add_backends();
    one.set_rule(rule);
    one.set_backend(backend);
    one.set_connects_total(connects);
    if (failures > 0) (*one.mutable_connect_failures_total())["refused"] = failures;
    watch_.Report(kWorker, report, runs, now_);
  }
  void Pass() { now_ += seconds(2); }
  uint64_t Connects(const std::string& rule) const {
    return watch_.rules().contains(rule) ? watch_.rules().at(rule).connects : 0;
  }
  uint64_t Failures(const std::string& rule) const {
    return watch_.rules().contains(rule) ? watch_.rules().at(rule).failures : 0;
  }

  Instant now_{seconds(1'000)};
  ConnectWatch watch_;
};

TEST_F(ConnectWatchTest, BackendsThatReplaceOthersCountFromZero) {
  watch_ = ConnectWatch({{kWorker, {{{"web", "old"}, {0, 10'000, 0}}}}});
  Report("web", "old", 10'100, 0, false);  // Still the configuration before.
  Report("web", "old", 10'120, 0);
  Report("web", "new", 10, 10);
  Report("web", "new", 50, 45);
  EXPECT_EQ(Connects("web"), 50u);
  EXPECT_EQ(Failures("web"), 45u);
}

TEST_F(ConnectWatchTest, WhatFailedBeforeIsNotBlamedOnTheNewOne) {
  watch_ = ConnectWatch({{kWorker, {{{"web", "a"}, {0, 100, 100}}}}});
  Report("web", "a", 150, 150);  // In part from before it was in force.
  EXPECT_EQ(Connects("web"), 0u);
  Pass();
  Report("web", "a", 190, 150);
  EXPECT_EQ(Connects("web"), 40u);
  EXPECT_EQ(Failures("web"), 0u);
}

TEST_F(ConnectWatchTest, AfterARestartTheFirstReportsAreTheBase) {
  Report("web", "a", 5'000, 4'000);
  Report("api", "b", 5'000, 4'000);  // The same, in a second message.
  EXPECT_EQ(Connects("web") + Connects("api"), 0u);
  Pass();
  Report("web", "a", 5'030, 4'030);
  Report("web", "later", 7, 7);
  EXPECT_EQ(Connects("web"), 37u);
  EXPECT_EQ(Failures("web"), 37u);
}

TEST_F(ConnectWatchTest, ACountThatBeganAgainIsWhole) {
  watch_ = ConnectWatch({{kWorker, {{{"web", "a"}, {0, 100, 0}}}}});
  Report("web", "a", 100, 0);
  Pass();
  Report("web", "a", 30, 20);
  EXPECT_EQ(Connects("web"), 30u);
  EXPECT_EQ(Failures("web"), 20u);
}

}  // namespace
}  // namespace lb::controlplane
