// Which connections are closed when a backend is out, and when: in a time of the test's own.
#include "dataplane/control/paced_drains.h"

#include <chrono>
#include <vector>

#include "dataplane/control/fake_traffic.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart{std::chrono::hours(1)};
constexpr int kConnections = 80;
constexpr milliseconds kTimeout{10'000};
constexpr milliseconds kTick{100};

class PacedDrainsTest : public testing::Test {
 protected:
  PacedDrainsTest() {
    worker_.rule().set_drain_timeout_ms(static_cast<uint64_t>(kTimeout.count()));
    worker_.AddBackend("a", a_.address());
    worker_.Apply();
    StepAt(milliseconds(0));
    for (int i = 0; i < kConnections; ++i) {
      clients_.push_back(Dial(worker_.address()));
      EXPECT_TRUE(SendAll(clients_.back().get(), "x"));
      EXPECT_EQ(Read(clients_.back().get(), 1).data, "x");
    }
    worker_.AddBackend("b", b_.address());
  }

  void StepAt(milliseconds since_start) {
    drains_.Step(worker_.tables(), kStart + since_start);
    for (const auto& walk : traffic_.walks) worker_.forwarder().Run(walk);
    traffic_.walks.clear();
  }

  uint64_t closed() const { return worker_.Closed(CloseReason::kDrain); }
  bool ClosedAre(uint64_t count) {
    return Eventually([&] { return closed() == count; });
  }

  // Steps through the whole drain and checks what is closed after each step.
  void ExpectPacedUntil(milliseconds until) {
    for (milliseconds at{0}; at <= until; at += kTick) {
      StepAt(at);
      const auto in_window = at - kTimeout / 5;
      const auto due = in_window.count() <= 0 ? 0 : kConnections * in_window.count() / 8'000;
      ASSERT_TRUE(ClosedAre(static_cast<uint64_t>(due))) << at.count() << " " << closed();
    }
  }

  void ExpectOver() {
    ASSERT_TRUE(Eventually([&] {
      StepAt(kTimeout);
      return drains_.size() == 0;
    }));
    EXPECT_EQ(closed(), static_cast<uint64_t>(kConnections));
  }

  FakeBackend a_{Echo};
  FakeBackend b_{Echo};
  TestWorker worker_{{.threads = 3}};
  FakeTraffic traffic_;
  PacedDrains drains_{traffic_, 3};
  std::vector<UniqueFd> clients_;
};

TEST_F(PacedDrainsTest, ConnectionsOfADrainedBackendAreClosedEvenlyUntilItsTime) {
  worker_.rule().mutable_backends(0)->set_draining(true);
  worker_.rule().mutable_backends(0)->set_weight(0);
  worker_.Apply();
  ExpectPacedUntil(kTimeout);
  ExpectOver();
}

TEST_F(PacedDrainsTest, ThoseOfARemovedBackendToo) {
  worker_.rule().mutable_backends()->DeleteSubrange(0, 1);
  worker_.Apply();
  ExpectPacedUntil(kTimeout);
  ExpectOver();
}

TEST_F(PacedDrainsTest, ABackendTakenBackKeepsTheRest) {
  worker_.rule().mutable_backends(0)->set_draining(true);
  worker_.Apply();
  ExpectPacedUntil(kTimeout / 2);
  const uint64_t before = closed();
  EXPECT_GT(before, 0u);
  worker_.rule().mutable_backends(0)->set_draining(false);
  worker_.Apply();
  StepAt(kTimeout / 2 + kTick);
  ASSERT_TRUE(Eventually([&] {
    StepAt(kTimeout);
    return drains_.size() == 0;
  }));
  EXPECT_EQ(closed(), before);
}

TEST_F(PacedDrainsTest, OtherBackendsAreNotTouched) {
  worker_.Apply();
  StepAt(milliseconds(0));
  UniqueFd client;
  while (b_.accepted() == 0) {
    client = Dial(worker_.address());
    ASSERT_TRUE(SendAll(client.get(), "x"));
    ASSERT_EQ(Read(client.get(), 1).data, "x");
  }
  worker_.rule().mutable_backends(0)->set_draining(true);
  worker_.rule().mutable_backends(0)->set_weight(0);
  worker_.Apply();
  StepAt(milliseconds(0));
  ASSERT_TRUE(Eventually([&] {
    StepAt(kTimeout);
    return drains_.size() == 0;
  }));
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::connections), 0u);
  EXPECT_EQ(worker_.Sum("b", &BackendCounters::connections), 1u);
}

TEST_F(PacedDrainsTest, WithoutATimeoutTheyStay) {
  worker_.rule().set_drain_timeout_ms(0);
  worker_.rule().mutable_backends()->DeleteSubrange(0, 1);
  worker_.Apply();
  StepAt(milliseconds(0));
  EXPECT_EQ(drains_.size(), 0u);
}

}  // namespace
}  // namespace lb::dataplane
