// Services in the control loop: when they are watched, what their endpoints change, and what is
// still known after a restart.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/discovery/service_book.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_node.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const ServiceRef kWeb{"shop", "web", "http"};

Config OneService() {
  Config config;
  RuleConfig& rule = config.rules.emplace_back();
  rule.name = "web";
  rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
  BackendConfig& backend = rule.backends.emplace_back();
  backend.name = "pods";
  backend.service = kWeb;
  return config;
}

ServiceEndpoint At(const std::string& ip, const std::string& pod,
                   EndpointState state = EndpointState::kReady) {
  return {Endpoint::FromIp(ip, 80).value(), pod, state};
}

class DiscoveryTurnTest : public testing::Test {
 protected:
  DiscoveryTurnTest() { Restart(); }

  void Restart() {
    std::vector<Action> actions;
    loop_ = NodeOf(stored_, now_, actions);
    watched_.reset();
    Note(std::move(actions));
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Note(std::move(actions));
  }

  void Load() { Handle(ConfigRead{"lb.yaml", OneService(), {}, 0}); }

  void Later(Duration time) {
    now_ += time;
    Handle(TimerFired{});
  }

  void Note(std::vector<Action> actions) {
    logged_.clear();
    for (Action& action : actions) {
      if (auto* watch = std::get_if<WatchServices>(&action)) watched_ = watch->services;
      if (auto* save = std::get_if<SaveState>(&action)) stored_ = std::move(save->bytes);
      if (auto* log = std::get_if<WriteLog>(&action)) logged_.push_back(log->message);
      if (auto* reply = std::get_if<Reply>(&action))
        if (auto* list = std::get_if<admin::v1::ListBackendsResponse>(&reply->answer)) {
          backends_.clear();
          for (const admin::v1::Backend& backend : list->backends())
            backends_.push_back(backend.name().substr(19) + " " + backend.address() + " " +
                                type::v1::AdminState_Name(backend.admin_state()).substr(12) +
                                backend.unresolved());
        }
    }
  }

  // "name address state" of all backends; of one that is not known why.
  std::vector<std::string> Backends() {
    Handle(AdminRequest{1, admin::v1::ListBackendsRequest(), {now_, {}}, {}});
    return backends_;
  }

  bool Logged(const std::string& message) const {
    return std::find(logged_.begin(), logged_.end(), message) != logged_.end();
  }

  double Metric(const std::string& name) const {
    for (const MetricFamily& family : loop_->Metrics({now_, {}}))
      if (family.name == name && !family.samples.empty()) return family.samples[0].value;
    return -1;
  }

  Instant now_ = Instant(std::chrono::hours(1));
  std::string stored_;
  std::unique_ptr<ControlLoop> loop_;
  std::optional<std::vector<ServiceRef>> watched_;
  std::vector<std::string> logged_;
  std::vector<std::string> backends_;
};

using Texts = std::vector<std::string>;

TEST_F(DiscoveryTurnTest, EndpointsBecomeBackendsAndFollowTheirService) {
  Load();
  EXPECT_EQ(watched_, std::vector<ServiceRef>{kWeb});
  EXPECT_FALSE(loop_->ready());  // It waits for the first word.
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a"), At("10.0.0.2", "b")}});
  EXPECT_TRUE(loop_->ready());
  EXPECT_EQ(Backends(), (Texts{"pods@a 10.0.0.1:80 READY", "pods@b 10.0.0.2:80 READY"}));
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a", EndpointState::kEnding), At("10.0.0.3", "c")}});
  EXPECT_EQ(Backends(), (Texts{"pods@a 10.0.0.1:80 DRAIN", "pods@c 10.0.0.3:80 READY"}));
  EXPECT_EQ(Metric("lb_service_endpoints"), 2);
  EXPECT_EQ(Metric("lb_service_in_sync"), 1);
  Handle(ServiceFound{kWeb, {}});
  EXPECT_TRUE(Logged("a Service has no endpoint: no new connection goes there"));
  EXPECT_EQ(Backends(), Texts{});
}

TEST_F(DiscoveryTurnTest, ALostWatchChangesNothingAndIsToldOnce) {
  Load();
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a")}});
  const ServiceLost lost{kWeb, absl::UnavailableError("refused")};
  Handle(lost);
  EXPECT_TRUE(Logged("a Service cannot be watched; the endpoints known of it stay"));
  Handle(lost);
  EXPECT_TRUE(logged_.empty());
  EXPECT_EQ(Backends(), Texts{"pods@a 10.0.0.1:80 READY"});
  EXPECT_EQ(Metric("lb_service_in_sync"), 0);
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a")}});
  EXPECT_TRUE(Logged("a Service is watched again"));
}

TEST_F(DiscoveryTurnTest, ARestartWithoutTheApiServerServesWhatWasKnown) {
  Load();
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a"), At("10.0.0.2", "b", EndpointState::kEnding)}});
  Later(std::chrono::seconds(1));
  Restart();
  Load();
  EXPECT_TRUE(loop_->ready());
  EXPECT_EQ(watched_, std::vector<ServiceRef>{kWeb});
  EXPECT_EQ(Backends(), (Texts{"pods@a 10.0.0.1:80 READY", "pods@b 10.0.0.2:80 DRAIN"}));
}

TEST_F(DiscoveryTurnTest, TheFirstStartDoesNotWaitForEver) {
  Load();
  Handle(ServiceLost{kWeb, absl::UnavailableError("refused")});
  EXPECT_TRUE(loop_->ready());
  EXPECT_EQ(Backends(), Texts{"pods shop/web:http READYrefused"});
  Restart();
  stored_.clear();
  Restart();
  Load();
  EXPECT_FALSE(loop_->ready());
  Later(std::chrono::seconds(5));
  EXPECT_TRUE(loop_->ready());
}

TEST_F(DiscoveryTurnTest, TooManyEndpointsAreRefusedLoudly) {
  Load();
  Handle(ServiceFound{kWeb, {At("10.0.0.1", "a")}});
  std::vector<ServiceEndpoint> many;
  for (size_t i = 0; i <= ServiceBook::kMaxEndpoints; ++i)
    many.push_back(At("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250), ""));
  Handle(ServiceFound{kWeb, many});
  EXPECT_TRUE(Logged("a Service has too many endpoints; those known of it before stay"));
  EXPECT_EQ(Backends(), Texts{"pods@a 10.0.0.1:80 READY"});
  EXPECT_EQ(Metric("lb_service_in_sync"), 0);
}

}  // namespace
}  // namespace lb::controlplane
