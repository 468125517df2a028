// The process that takes over, with a real forwarder, against a process before that does what the
// test says.
#include "dataplane/control/replacement.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/sha256.h"
#include "base/unique_fd.h"
#include "dataplane/control/forwarder_traffic.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/handover/handover_path.h"
#include "lb/handover/v1/handover.pb.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

constexpr SipKey kKey{1, 2};

// A running process "w" of the same id; it answers on a thread of its own.
class Before final {
 public:
  explicit Before(const std::string& path, std::string state) : state_(std::move(state)) {
    EXPECT_TRUE(server_.Listen(path).ok());
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Before() {
    io_.stop();
    thread_.join();
  }

  int asked() const { return asked_; }
  int replaced() const { return replaced_; }
  void set_gives_way(bool gives_way) { gives_way_ = gives_way; }
  // Waits until it serves again.
  void AwaitAlone() const { alone_.wait(0); }

 private:
  const std::string state_;
  std::atomic<int> asked_ = 0;
  std::atomic<int> replaced_ = 0;
  std::atomic<int> alone_ = 0;
  std::atomic<bool> gives_way_ = true;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  HandoverServer server_{io_,
                         "w",
                         {.sockets = [] { return std::vector<PassedSocket>(); },
                          .state =
                              [this] {
                                ++asked_;
                                return state_;
                              },
                          .took_over = [] { return std::vector<std::string>{"before"}; },
                          .replaced =
                              [this](bool) {
                                ++replaced_;
                                return std::string();
                              },
                          .gives_way_to_headless = [this] { return gives_way_.load(); },
                          .alone_again =
                              [this] {
                                ++alone_;
                                alone_.notify_all();
                              },
                          .adopt = [](const auto&) { return size_t{0}; },
                          .release = [](const auto&) {}}};
  std::thread thread_;
};

// Another worker, "n", that has a socket of "w".
class FakeNeighbour final {
 public:
  explicit FakeNeighbour(const std::string& path) {
    const Endpoint any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
    SocketResult made = BindListener(any.ToSocketAddress());
    EXPECT_EQ(StartListening(made.fd.get()), 0);
    const Endpoint bound = BoundEndpoint(made.fd.get());
    socket_ = {{bound, ""}, std::make_shared<const UniqueFd>(std::move(made.fd)), "w"};
    EXPECT_TRUE(server_.Listen(path).ok());
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FakeNeighbour() { Stop(); }

  // Ends it; returns whose sockets it gave back.
  std::string Stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    return released_;
  }

 private:
  PassedSocket socket_;
  std::string released_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  HandoverServer server_{io_,
                         "n",
                         {.sockets = [this] { return std::vector<PassedSocket>{socket_}; },
                          .state = [] { return std::string(); },
                          .took_over = [] { return std::vector<std::string>{"n1"}; },
                          .replaced = [](bool) { return std::string(); },
                          .gives_way_to_headless = [] { return true; },
                          .alone_again = [] {},
                          .adopt = [](const auto&) { return size_t{0}; },
                          .release = [this](const auto& home) { released_ = home; }}};
  std::thread thread_;
};

class ReplacementTest : public testing::Test {
 protected:
  ReplacementTest() : folder_("/tmp/lb-replacement-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(forwarder_.Start().ok());
  }
  ~ReplacementTest() override { std::filesystem::remove_all(folder_); }

  Endpoint Control() const { return Endpoint::Parse("unix:" + folder_ + "/worker.sock").value(); }
  std::string Path() const { return HandoverPath(Control(), "w"); }

  // A Keepsake with this configuration.
  static std::string State(const lb::type::v1::Snapshot& snapshot) {
    lb::handover::v1::Keepsake saved;
    saved.set_snapshot(snapshot.SerializeAsString());
    saved.mutable_version()->set_epoch(1);
    saved.mutable_version()->set_revision(7);
    saved.mutable_version()->set_digest(Sha256(saved.snapshot()));
    saved.mutable_health()->set_complete(true);
    return saved.SerializeAsString();
  }

  std::string folder_;
  boost::asio::io_context io_;
  Forwarder forwarder_{{.threads = 1}};
  ForwarderTraffic traffic_{forwarder_};
  StateRegistry registry_{1, kKey};
  ConfigLane config_{traffic_, registry_, [] { return ReadClocks().steady; }};
  Keepsake keepsake_{config_, registry_};
  Replacement replacement_{
      io_,
      forwarder_,
      keepsake_,
      {Control(), "w", "now", {}},
      {.replaced = [] {}, .alone_again = [] { return false; }, .headless = [] { return true; }}};
};

TEST_F(ReplacementTest, GoesOnWithWhatTheProcessBeforeRanAndSaysSo) {
  Before before(Path(), State({}));
  replacement_.TakeOver();
  EXPECT_TRUE(replacement_.has_predecessor());
  EXPECT_EQ(replacement_.ancestors(), std::vector<std::string>{"before"});
  EXPECT_EQ(before.replaced(), 0);
  replacement_.Restore(ReadClocks().steady);
  ASSERT_TRUE(config_.running().has_value());
  EXPECT_EQ(config_.running()->revision(), 7u);
  EXPECT_EQ(before.replaced(), 1);
}

TEST_F(ReplacementTest, WhatItCannotRunLeavesTheProcessBeforeServing) {
  lb::type::v1::Snapshot snapshot;
  snapshot.add_required_features("of_a_newer_release");
  Before before(Path(), State(snapshot));
  replacement_.TakeOver();
  replacement_.Restore(ReadClocks().steady);
  EXPECT_FALSE(config_.running().has_value());
  EXPECT_EQ(before.replaced(), 0);
}

TEST_F(ReplacementTest, AProcessBeforeThatHasAControlPlaneServesOn) {
  Before before(Path(), State({}));
  before.set_gives_way(false);
  replacement_.TakeOver();
  replacement_.Restore(ReadClocks().steady);
  EXPECT_FALSE(config_.running().has_value());
  EXPECT_EQ(before.replaced(), 0);
  before.set_gives_way(true);
  replacement_.Restore(ReadClocks().steady);
  EXPECT_TRUE(config_.running().has_value());
  EXPECT_EQ(before.replaced(), 1);
}

TEST_F(ReplacementTest, OneThatEndsWhileItIsAskedMayHaveASuccessor) {
  const SocketAddress path = Endpoint::Parse("unix:" + Path()).value().ToSocketAddress();
  const UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), path.get(), path.length), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  std::optional<Before> successor;
  std::thread ending([&] {
    const UniqueFd asked(::accept(listener.get(), nullptr, nullptr));
    successor.emplace(Path(), State({}));
  });
  replacement_.TakeOver();
  ending.join();
  EXPECT_TRUE(replacement_.has_predecessor());
  EXPECT_EQ(successor->asked(), 1);
}

TEST_F(ReplacementTest, OneThatBeganAtTheSameTimeStandsAsideToo) {
  replacement_.TakeOver();
  EXPECT_FALSE(replacement_.has_predecessor());
  Before other(Path(), State({}));
  replacement_.Serve();
  EXPECT_EQ(other.replaced(), 1);
  EXPECT_TRUE(IsListening(Path()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(ReplacementTest, OneThatIsEndingDoesNotHideWhatANeighbourHas) {
  Before before(Path(), State({}));
  FakeNeighbour neighbour(HandoverPath(Control(), "n"));
  replacement_.TakeOver();
  EXPECT_TRUE(replacement_.has_predecessor());
  replacement_.Serve();
  EXPECT_EQ(neighbour.Stop(), "w");
}

TEST_F(ReplacementTest, WhatItCannotBindMakesTheProcessBeforeServeAgain) {
  lb::type::v1::Snapshot snapshot;
  auto& rule = *snapshot.add_rules();
  rule.set_name("web");
  rule.set_listen("192.0.2.1:80");  // RFC 5737: nobody's.
  rule.mutable_timeouts()->set_connect_ms(1'000);
  rule.mutable_timeouts()->set_idle_ms(1'000);
  rule.mutable_timeouts()->set_half_close_ms(1'000);
  rule.set_balance(lb::type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule.set_connect_attempts(1);
  Before before(Path(), State(snapshot));
  replacement_.TakeOver();
  replacement_.Restore(ReadClocks().steady);
  EXPECT_FALSE(config_.running().has_value());
  EXPECT_EQ(before.replaced(), 1);
  before.AwaitAlone();
  // Once more, and not again and again.
  EXPECT_EQ(before.asked(), 2);
  replacement_.Restore(ReadClocks().steady);
  EXPECT_EQ(before.replaced(), 1);
  replacement_.Serve();
  EXPECT_EQ(before.replaced(), 2);
}

}  // namespace
}  // namespace lb::dataplane
