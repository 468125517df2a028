// Backends that workers leave out, as the API tells of them.
#include <chrono>

#include "controlplane/loop/api_fixture.h"

namespace lb::controlplane {
namespace {

class OutlierTurnTest : public ApiFixture {
 protected:
  OutlierTurnTest() {
    Config config = Web({"a", "b"});
    config.rules[0].outlier_detection.emplace();
    Handle(ConfigRead{"lb.yaml", config, {}, 0});
    Connect(1, "w1");
  }

  // What a worker counted of backend a, which it leaves out for so long; 0: it does not.
  void Count(SessionId session, int64_t returns_in_s) {
    worker::v1::ConnectRequest report;
    auto& backend = *report.mutable_stats()->add_backends();
    backend.set_rule("web");
    backend.set_backend("a");
    backend.set_ejections_total(1);
    if (returns_in_s > 0) {
      backend.mutable_ejection()->set_reason("reset");
      backend.mutable_ejection()->set_failures(5);
      backend.mutable_ejection()->mutable_returns_in()->set_seconds(returns_in_s);
    }
    Handle(WorkerMessage{session, report});
  }
};

TEST_F(OutlierTurnTest, AnEjectionIsShownAndToldUntilItIsOver) {
  EXPECT_FALSE(Backend(kA).has_ejection());
  Count(1, 12);
  const admin::v1::Backend::Ejection ejection = Backend(kA).ejection();
  EXPECT_EQ(ejection.workers(), 1u);
  EXPECT_EQ(ejection.reason(), "reset");
  EXPECT_EQ(ejection.failures(), 5u);
  EXPECT_EQ(ejection.return_time().seconds(), 5'012);
  EXPECT_EQ(ejection.ejections_total(), 1u);
  EXPECT_FALSE(Backend(kB).has_ejection());
  const auto ejected = Events("backend.ejected");
  ASSERT_EQ(ejected.size(), 1u);
  EXPECT_EQ(ejected[0].resource(), kA);
  EXPECT_EQ(ejected[0].severity(), admin::v1::Event::SEVERITY_WARNING);
  EXPECT_EQ(ejected[0].attributes().at("reason"), "reset");
  EXPECT_EQ(ejected[0].attributes().at("returns_in_ms"), "12000");
  EXPECT_EQ(ejected[0].attributes().at("worker"), "w1");
  Count(1, 0);
  EXPECT_FALSE(Backend(kA).has_ejection());
  ASSERT_EQ(Events("backend.returned").size(), 1u);
  EXPECT_EQ(Events("backend.returned")[0].resource(), kA);
}

TEST_F(OutlierTurnTest, SeveralWorkersAreOneEjection) {
  Connect(2, "w2");
  Count(1, 12);
  Count(2, 20);
  EXPECT_EQ(Backend(kA).ejection().workers(), 2u);
  EXPECT_EQ(Backend(kA).ejection().return_time().seconds(), 5'020);
  Count(2, 0);
  EXPECT_EQ(Backend(kA).ejection().workers(), 1u);
  EXPECT_EQ(Events("backend.ejected").size(), 1u);
  EXPECT_TRUE(Events("backend.returned").empty());
}

TEST_F(OutlierTurnTest, AfterItsTimeItIsOverThoughTheWorkerIsAway) {
  Count(1, 12);
  Handle(WorkerStreamEnded{1});
  now_ += std::chrono::seconds(12);
  EXPECT_LE(loop_->NextDeadline(), now_);
  Handle(TimerFired{});
  EXPECT_FALSE(Backend(kA).has_ejection());
  const auto returned = Events("backend.returned");
  ASSERT_EQ(returned.size(), 1u);
  EXPECT_EQ(returned[0].resource(), kA);
}

TEST_F(OutlierTurnTest, ARuleThatDetectsNoneAnyMoreShowsNone) {
  Count(1, 12);
  Load({"a", "b"});
  EXPECT_FALSE(Backend(kA).has_ejection());
}

}  // namespace
}  // namespace lb::controlplane
