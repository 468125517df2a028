#include "base/service_reports.h"

#include <unistd.h>

#include <optional>
#include <string>

#include "base/test_service_manager.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

using namespace std::chrono_literals;

class ServiceReportsTest : public testing::Test {
 protected:
  ServiceReportsTest()
      : manager_("@lb-service-reports-test-" + std::to_string(::getpid())),
        notify_(manager_.Notify({{"WATCHDOG_USEC", "10000000"}})),
        reports_(&notify_) {}

  // What one step tells, a line each.
  std::string Step(const ServiceReports::State& state, Duration later = 0s) {
    now_ += later;
    reports_.Step(state, now_);
    return manager_.ReceiveAll();
  }

  Instant now_ = Instant(1h);
  const TestServiceManager manager_;
  const SdNotify notify_;
  ServiceReports reports_;
};

TEST_F(ServiceReportsTest, ReadyIsToldOnceAndNotBefore) {
  EXPECT_EQ(Step({}), "");
  EXPECT_EQ(Step({.ready = true}), "READY=1\n");
  EXPECT_EQ(Step({.ready = true}), "");
  EXPECT_EQ(Step({}), "");
}

TEST_F(ServiceReportsTest, TheStatusIsToldWhenItIsAnotherOneAndOnceASecondAtMost) {
  EXPECT_EQ(Step({.status = "rev 1"}), "STATUS=rev 1\n");
  EXPECT_EQ(Step({.status = "rev 2"}, 999ms), "");
  EXPECT_EQ(Step({.status = "rev 3"}, 1ms), "STATUS=rev 3\n");
  EXPECT_EQ(Step({.status = "rev 3"}, 1h), "");
}

TEST_F(ServiceReportsTest, TheStatusOfThatMomentComesWithReady) {
  EXPECT_EQ(Step({.status = "waits"}), "STATUS=waits\n");
  EXPECT_EQ(Step({.ready = true, .status = "rev 1"}), "READY=1\nSTATUS=rev 1\n");
  EXPECT_EQ(Step({.ready = true, .status = "rev 2"}), "");
}

TEST_F(ServiceReportsTest, StoppingIsToldOnceAndTimeIsAskedForEachSecond) {
  EXPECT_EQ(Step({.ready = true}), "READY=1\n");
  EXPECT_EQ(Step({.ready = true, .stopping = true}), "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000\n");
  EXPECT_EQ(Step({.stopping = true}, 500ms), "");
  EXPECT_EQ(Step({.stopping = true}, 500ms), "EXTEND_TIMEOUT_USEC=10000000\n");
}

TEST_F(ServiceReportsTest, OneThatStopsBeforeItWasReadyNeverIs) {
  EXPECT_EQ(Step({.stopping = true}), "STOPPING=1\nEXTEND_TIMEOUT_USEC=10000000\n");
  EXPECT_EQ(Step({.ready = true, .stopping = true}), "");
}

TEST_F(ServiceReportsTest, AReloadBeginsWithItsTimeAndEndsWithReady) {
  reports_.ReloadBegins(now_);
  EXPECT_EQ(manager_.ReceiveAll(), "");  // Nothing is ready yet.
  EXPECT_EQ(Step({.ready = true}), "READY=1\n");
  reports_.ReloadBegins(now_);
  EXPECT_EQ(manager_.ReceiveAll(), "RELOADING=1\nMONOTONIC_USEC=3600000000\n");
  EXPECT_EQ(Step({.ready = true}), "");
  reports_.ReloadEnds();
  EXPECT_EQ(Step({.ready = true}), "READY=1\n");
}

TEST_F(ServiceReportsTest, TheWatchdogIsFedTwiceInItsTime) {
  const auto alive = [this](Duration later) {
    now_ += later;
    reports_.Alive(now_);
    return manager_.ReceiveAll();
  };
  EXPECT_EQ(alive(0s), "WATCHDOG=1\n");
  EXPECT_EQ(alive(4'999ms), "");
  EXPECT_EQ(alive(1ms), "WATCHDOG=1\n");
}

TEST_F(ServiceReportsTest, WhatTheManagerDidNotTakeIsSaidAgain) {
  std::optional<TestServiceManager> full("@lb-service-reports-full-" + std::to_string(::getpid()));
  const SdNotify notify = full->Notify();
  while (notify.Watchdog().ok()) {
  }
  ServiceReports reports(&notify);
  reports.Step({.ready = true, .status = "rev 1"}, now_);
  full->ReceiveAll();
  reports.Step({.ready = true, .status = "rev 1"}, now_);
  EXPECT_EQ(full->ReceiveAll(), "READY=1\nSTATUS=rev 1\n");
}

TEST_F(ServiceReportsTest, WithoutAManagerNothingIsSaid) {
  ServiceReports nobody(nullptr);
  EXPECT_FALSE(nobody.present());
  nobody.Step({.ready = true, .stopping = true, .status = "rev 1"}, now_);
  nobody.Alive(now_);
  nobody.ReloadBegins(now_);
  EXPECT_TRUE(manager_.Empty());
}

}  // namespace
}  // namespace lb
