// A whole worker against a control plane that does what the test says, over a real stream and with
// real connections.
#include "dataplane/control/worker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/test_service_manager.h"
#include "dataplane/forward/test_net.h"
#include "dataplane/handover/handover_client.h"
#include "dataplane/handover/handover_path.h"
#include "gtest/gtest.h"
#include "tests/fakes/control_plane.h"

namespace lb::dataplane {
namespace {

using lb::tests::FakeControlPlane;
using lb::worker::v1::ConnectResponse;
using lb::worker::v1::Nack;

class WorkerTest : public testing::Test {
 protected:
  explicit WorkerTest(const SdNotify* manager = nullptr)
      : backend_(Echo), listen_(UnusedAddress()) {
    // The path of a unix socket is short: TEST_TMPDIR may be too deep for it.
    std::string folder = "/tmp/lb-worker-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    plane_.emplace(Socket());
    Worker::Options options;
    options.control = Endpoint::Parse("unix:" + Socket()).value();
    options.identity.set_id("worker-1");
    options.identity.set_incarnation("first");
    options.threads = 2;
    options.seed = 1;
    options.service_manager = manager;
    worker_.emplace(io_, options);
    EXPECT_TRUE(worker_->Start().ok());
    thread_ = std::thread([this] { io_.run(); });
  }

  ~WorkerTest() override {
    OnLoop([this] { worker_.reset(); });
    work_.reset();
    thread_.join();
    plane_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string Socket() const { return folder_ + "/worker.sock"; }

  template <typename Work>
  void OnLoop(Work work) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  HttpReply Page(const std::string& path) {
    HttpReply reply;
    OnLoop([&] { reply = worker_->Page(path); });
    return reply;
  }

  // One rule, "web", with one backend, "echo".
  lb::type::v1::Snapshot Web(const Endpoint& listen, uint64_t max_connections = 0) const {
    lb::type::v1::Snapshot snapshot;
    auto& rule = *snapshot.add_rules();
    rule.set_name("web");
    rule.set_listen(listen.ToString());
    rule.mutable_timeouts()->set_connect_ms(5'000);
    rule.mutable_timeouts()->set_idle_ms(600'000);
    rule.mutable_timeouts()->set_half_close_ms(600'000);
    rule.set_balance(lb::type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
    rule.set_connect_attempts(1);
    auto& backend = *rule.add_backends();
    backend.set_name("echo");
    backend.set_address(backend_.address().ToString());
    backend.set_weight(1);
    backend.set_max_connections(max_connections);
    return snapshot;
  }

  // Greets the worker and gives it Web(listen_) as revision 1.
  void Serve(uint64_t max_connections = 0) {
    ASSERT_TRUE(plane_->AwaitHello().has_value());
    ASSERT_TRUE(plane_->SendWelcome());
    ASSERT_TRUE(plane_->SendSnapshot(Web(listen_, max_connections), 1, 1));
    const auto answer = plane_->AwaitAnswer();
    ASSERT_TRUE(answer.has_value() && answer->has_ack());
  }
  void ExpectNack(Nack::Reason reason) {
    const auto answer = plane_->AwaitAnswer();
    ASSERT_TRUE(answer.has_value() && answer->has_nack());
    EXPECT_EQ(answer->nack().reason(), reason) << answer->nack().DebugString();
    EXPECT_EQ(answer->nack().running().revision(), 1u);
  }

  // True when a new connection is echoed.
  bool Served() const {
    const UniqueFd client = Dial(listen_);
    return client.valid() && SendAll(client.get(), "ping") && Read(client.get(), 4).data == "ping";
  }

  bool SendHealth(lb::type::v1::HealthState state) {
    ConnectResponse message;
    message.mutable_health()->set_complete(true);
    auto& entry = *message.mutable_health()->add_entries();
    entry.set_rule("web");
    entry.set_backend("echo");
    entry.set_state(state);
    return plane_->Send(message);
  }
  // Waits for the report that answers `seq`.
  void Grant(uint64_t seq, uint64_t slots) {
    ConnectResponse message;
    message.mutable_slots()->set_seq(seq);
    auto& entry = *message.mutable_slots()->add_entries();
    entry.set_rule("web");
    entry.set_backend("echo");
    entry.set_slots(slots);
    ASSERT_TRUE(plane_->Send(message));
    ASSERT_TRUE(plane_->Await(
        [seq](const auto& report) { return report.has_slots() && report.slots().seq() == seq; }));
  }
  void SendDrain(const std::string& id, int64_t timeout_s) {
    ConnectResponse message;
    message.mutable_command()->set_id(id);
    message.mutable_command()->mutable_drain()->mutable_timeout()->set_seconds(timeout_s);
    ASSERT_TRUE(plane_->Send(message));
  }
  bool AwaitDrained(const std::string& id) {
    return plane_
        ->Await([&id](const auto& status) {
          return status.has_drain() && status.drain().command_id() == id && status.drain().done();
        })
        .has_value();
  }

  FakeBackend backend_;
  const Endpoint listen_;
  std::string folder_;
  std::optional<FakeControlPlane> plane_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::optional<Worker> worker_;
  std::thread thread_;
};

TEST_F(WorkerTest, ASnapshotInPartsIsAppliedAndAcked) {
  const auto hello = plane_->AwaitHello();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->worker().id(), "worker-1");
  EXPECT_EQ(hello->threads(), 2u);
  EXPECT_FALSE(hello->has_running());
  EXPECT_EQ(Page("/readyz").status, 503);
  ASSERT_TRUE(plane_->SendWelcome());
  const size_t third = Web(listen_).ByteSizeLong() / 3 + 1;
  ASSERT_TRUE(plane_->SendSnapshot(Web(listen_), 1, 1, third));
  const auto answer = plane_->AwaitAnswer();
  ASSERT_TRUE(answer.has_value() && answer->has_ack());
  EXPECT_EQ(answer->ack().version().revision(), 1u);
  EXPECT_TRUE(Served());
  EXPECT_EQ(Page("/readyz").status, 200);
  EXPECT_EQ(Page("/livez").status, 200);
}

TEST_F(WorkerTest, ReportsTotals) {
  Serve();
  EXPECT_TRUE(Served());
  EXPECT_TRUE(plane_->Await([](const auto& message) {
    return message.has_stats() && message.stats().rules_size() == 1 &&
           message.stats().rules(0).connections_total() == 1 &&
           message.stats().backends_size() == 1 &&
           message.stats().backends(0).received_bytes_total() == 4;
  }));
}

TEST_F(WorkerTest, MetricsNameEveryRuleAndBackend) {
  Serve(/*max_connections=*/2);
  Grant(1, 2);
  EXPECT_TRUE(Eventually([this] { return Served(); }));
  const std::string text = Page("/metrics").body;
  const std::string web = "rule=\"web\"";
  const std::string echo = "{rule=\"web\",backend=\"echo\"} ";
  for (const std::string& line : {
           "lb_rule_refused_total{" + web + ",reason=\"no_backend\"} 0\n",
           "lb_connections_closed_total{" + web + ",reason=\"idle\"} 0\n",
           "lb_backend_connect_failures_total{" + web + ",backend=\"echo\",reason=\"refused\"} 0\n",
           "lb_backend_connects_total" + echo + "1\n",
           "lb_backend_up" + echo + "1\n",
           "lb_backend_weight" + echo + "1\n",
           "lb_backend_slots_granted" + echo + "2\n",
           std::string("lb_config_revision 1\n"),
           std::string("lb_controlplane_connected 1\n"),
           std::string("lb_worker_draining 0\n"),
       }) {
    EXPECT_NE(text.find("\n" + line), std::string::npos) << line << text;
  }
}

TEST_F(WorkerTest, AWrongDigestAndAnOldVersionAreRefused) {
  Serve();
  ConnectResponse part;
  part.mutable_snapshot()->mutable_version()->set_epoch(1);
  part.mutable_snapshot()->mutable_version()->set_revision(2);
  part.mutable_snapshot()->mutable_version()->set_digest(std::string(32, 'x'));
  part.mutable_snapshot()->set_total_bytes(3);
  part.mutable_snapshot()->set_data("abc");
  ASSERT_TRUE(plane_->Send(part));
  ExpectNack(Nack::REASON_DIGEST_MISMATCH);
  ASSERT_TRUE(plane_->SendSnapshot(Web(listen_), 1, 1));
  ExpectNack(Nack::REASON_STALE_VERSION);
  EXPECT_TRUE(Served());
}

TEST_F(WorkerTest, AFirstConfigurationThatIsRefusedIsWhyItIsNotReady) {
  const FakeBackend squatter(Echo);
  ASSERT_TRUE(plane_->AwaitHello().has_value());
  ASSERT_TRUE(plane_->SendWelcome());
  ASSERT_TRUE(plane_->SendSnapshot(Web(squatter.address()), 1, 1));
  ASSERT_TRUE(plane_->AwaitAnswer().has_value());
  const HttpReply ready = Page("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body, "no configuration yet: refused version 1: bind_failed: " +
                            squatter.address().ToString() +
                            ": Address already in use (EADDRINUSE)\n");
}

TEST_F(WorkerTest, WhatCannotBeBoundIsNamedAndTheOldRuleServesOn) {
  Serve();
  const FakeBackend squatter(Echo);
  auto snapshot = Web(listen_);
  *snapshot.add_rules() = Web(squatter.address()).rules(0);
  snapshot.mutable_rules(1)->set_name("web-2");
  ASSERT_TRUE(plane_->SendSnapshot(snapshot, 1, 2));
  const auto answer = plane_->AwaitAnswer();
  ASSERT_TRUE(answer.has_value() && answer->has_nack());
  const Nack& nack = answer->nack();
  EXPECT_EQ(nack.reason(), Nack::REASON_BIND_FAILED);
  ASSERT_EQ(nack.problems_size(), 1);
  EXPECT_EQ(nack.problems(0).field(), "rules/web-2/listen");
  EXPECT_EQ(nack.problems(0).message(),
            squatter.address().ToString() + ": Address already in use (EADDRINUSE)");
  EXPECT_TRUE(Served());
}

TEST_F(WorkerTest, ServesOnWithoutTheControlPlaneAndComesBackWithWhatItRuns) {
  Serve();
  ASSERT_TRUE(SendHealth(lb::type::v1::HEALTH_STATE_HEALTHY));
  ASSERT_TRUE(plane_->Await([](const auto& message) { return message.has_stats(); }));
  plane_.reset();
  EXPECT_TRUE(Served());
  plane_.emplace(Socket());
  const auto hello = plane_->AwaitHello();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->running().revision(), 1u);
  ASSERT_EQ(hello->health_size(), 1);
  EXPECT_EQ(hello->health(0).state(), lb::type::v1::HEALTH_STATE_HEALTHY);
  ASSERT_TRUE(plane_->SendWelcome());
  ConnectResponse rename;
  *rename.mutable_version()->mutable_version() =
      lb::tests::VersionOf(Web(listen_).SerializeAsString(), 2, 1);
  ASSERT_TRUE(plane_->Send(rename));
  const auto answer = plane_->AwaitAnswer();
  ASSERT_TRUE(answer.has_value() && answer->has_ack());
  EXPECT_EQ(answer->ack().version().epoch(), 2u);
  EXPECT_TRUE(Served());
}

TEST_F(WorkerTest, AnUnhealthyBackendGetsNoNewConnection) {
  Serve();
  EXPECT_TRUE(Served());
  ASSERT_TRUE(SendHealth(lb::type::v1::HEALTH_STATE_UNHEALTHY));
  EXPECT_TRUE(Eventually([this] { return !Served(); }));
  ASSERT_TRUE(SendHealth(lb::type::v1::HEALTH_STATE_HEALTHY));
  EXPECT_TRUE(Eventually([this] { return Served(); }));
}

TEST_F(WorkerTest, ALimitedBackendServesOnlyWhatIsGranted) {
  Serve(/*max_connections=*/2);
  EXPECT_FALSE(Served());
  Grant(1, 1);
  EXPECT_TRUE(Eventually([this] { return Served(); }));
  Grant(2, 0);
  EXPECT_FALSE(Served());
}

TEST_F(WorkerTest, ADrainStopsAcceptingWaitsAndCanBeTakenBack) {
  Serve();
  UniqueFd open = Dial(listen_);
  ASSERT_TRUE(SendAll(open.get(), "ping"));
  ASSERT_EQ(Read(open.get(), 4).data, "ping");
  SendDrain("drain-1", 600);
  ASSERT_TRUE(plane_->Await([](const auto& message) {
    return message.has_drain() && message.drain().connections_left() == 1 &&
           !message.drain().done();
  }));
  EXPECT_FALSE(Dial(listen_).valid());
  EXPECT_EQ(Page("/readyz").status, 503);
  ASSERT_TRUE(SendAll(open.get(), "more"));
  EXPECT_EQ(Read(open.get(), 4).data, "more");
  open.Reset();
  EXPECT_TRUE(AwaitDrained("drain-1"));
  ConnectResponse undrain;
  undrain.mutable_command()->set_id("undrain-1");
  undrain.mutable_command()->mutable_undrain();
  ASSERT_TRUE(plane_->Send(undrain));
  EXPECT_TRUE(AwaitDrained("undrain-1"));
  EXPECT_TRUE(Served());
}

TEST_F(WorkerTest, ADrainClosesTheRestAtItsTimeout) {
  Serve();
  const UniqueFd open = Dial(listen_);
  ASSERT_TRUE(SendAll(open.get(), "ping"));
  ASSERT_EQ(Read(open.get(), 4).data, "ping");
  SendDrain("drain-1", 0);
  EXPECT_TRUE(AwaitDrained("drain-1"));
  Read(open.get());
}

TEST_F(WorkerTest, GarbageEndsTheStreamOnlyAndTheWorkerComesBack) {
  Serve();
  ASSERT_TRUE(plane_->Send(ConnectResponse()));
  EXPECT_TRUE(plane_->AwaitEnd());
  EXPECT_TRUE(Served());
  const auto hello = plane_->AwaitHello();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->running().revision(), 1u);
}

TEST_F(WorkerTest, DrainToExitIsToldWhenItIsOver) {
  Serve();
  std::promise<void> drained;
  OnLoop([&] {
    worker_->DrainToExit(std::chrono::seconds(600), [&drained] { drained.set_value(); });
  });
  EXPECT_EQ(drained.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(Dial(listen_).valid());
}

TEST_F(WorkerTest, OneThatGaveItsRightsAwayDoesNotSaySoFirst) {
  Serve(10);
  Grant(1, 7);
  plane_.reset();
  auto takeover = Takeover::Ask(
      HandoverPath(Endpoint::Parse("unix:" + Socket()).value(), "worker-1"), "worker-1", kPatience);
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  // It sees by and by that the control plane is gone.
  ASSERT_TRUE(Eventually([&] {
    return Page("/metrics").body.find("lb_controlplane_connected 0") != std::string::npos;
  }));
  const auto given = takeover->SayServing(true);
  ASSERT_TRUE(given.ok()) << given.status();
  EXPECT_FALSE(given->empty());
  plane_.emplace(Socket());
  auto hello = std::async(std::launch::async, [this] { return plane_->AwaitHello(); });
  EXPECT_EQ(hello.wait_for(std::chrono::seconds(3)), std::future_status::timeout);
  { const Takeover gone = *std::move(takeover); }
  const auto said = hello.get();
  ASSERT_TRUE(said.has_value());
  EXPECT_FALSE(said->draining());
}

struct Manager {
  TestServiceManager manager{"@lb-worker-test-" + std::to_string(::getpid())};
  const SdNotify notify = manager.Notify();
};

// With a service manager that keeps its sockets.
class ManagedWorkerTest : public Manager, public WorkerTest {
 protected:
  ManagedWorkerTest() : WorkerTest(&notify) {}

  // Waits until the manager is told it.
  bool AwaitTold(const std::string& what) const {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (manager.Empty())
        std::this_thread::yield();
      else if (manager.Receive().text.find(what) != std::string::npos)
        return true;
    }
    return false;
  }
};

TEST_F(ManagedWorkerTest, ADrainedWorkersSocketsAreNotKept) {
  Serve();
  EXPECT_TRUE(AwaitTold("FDSTORE=1"));
  SendDrain("drain-1", 600);
  EXPECT_TRUE(AwaitDrained("drain-1"));
  EXPECT_TRUE(AwaitTold("FDSTOREREMOVE=1"));
  ConnectResponse undrain;
  undrain.mutable_command()->set_id("undrain-1");
  undrain.mutable_command()->mutable_undrain();
  ASSERT_TRUE(plane_->Send(undrain));
  EXPECT_TRUE(AwaitTold("FDSTORE=1"));
  EXPECT_TRUE(Served());
}

TEST_F(ManagedWorkerTest, OneThatIsStoppedLeavesNoSocketInWhichClientsWait) {
  Serve();
  EXPECT_TRUE(AwaitTold("FDSTORE=1"));
  while (notify.Ready().ok()) {
  }
  // The manager is busy, and is told again.
  OnLoop([&] { worker_->AnnounceDrain(false); });
  EXPECT_TRUE(AwaitTold("FDSTOREREMOVE=1"));
}

TEST_F(ManagedWorkerTest, OneThatIsRestartedLeavesItsSocketsToTheNext) {
  Serve();
  EXPECT_TRUE(AwaitTold("FDSTORE=1"));
  std::promise<void> drained;
  OnLoop([&] {
    worker_->AnnounceDrain(true);
    worker_->DrainToExit(std::chrono::seconds(600), [&drained] { drained.set_value(); });
  });
  ASSERT_EQ(drained.get_future().wait_for(kPatience), std::future_status::ready);
  bool stopping = false;
  while (!manager.Empty()) {
    const std::string text = manager.Receive().text;
    EXPECT_EQ(text.find("FDSTOREREMOVE=1"), std::string::npos) << text;
    stopping |= text.find("STOPPING=1") != std::string::npos;
  }
  EXPECT_TRUE(stopping);
}

TEST(WorkerLifetimeTest, ATimerThatExpiredBeforeTheEndTouchesNothing) {
  boost::asio::io_context io;
  Worker::Options options;
  options.control =
      Endpoint::Parse("unix:/tmp/lb-nobody-" + std::to_string(::getpid()) + ".sock").value();
  std::optional<Worker> worker(std::in_place, io, std::move(options));
  ASSERT_TRUE(worker->Start().ok());
  boost::asio::steady_timer end(io, std::chrono::steady_clock::now());
  end.async_wait([&worker](const boost::system::error_code&) { worker.reset(); });
  // The loop then finds both timers expired, this one first and the worker's own right behind.
  const auto expired = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < expired) std::this_thread::yield();
  io.run();
  EXPECT_FALSE(worker.has_value());
}

}  // namespace
}  // namespace lb::dataplane
