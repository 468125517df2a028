// Both ends of a hand-over in one process, over a real socket.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/forward/socket_options.h"
#include "dataplane/handover/handover_client.h"
#include "dataplane/handover/handover_path.h"
#include "dataplane/handover/handover_server.h"
#include "dataplane/handover/memory_file.h"
#include "dataplane/handover/packet.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kTimeout{10'000};

PassedSocket Listening(const std::string& home = "") {
  const auto any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow);
  SocketResult made = BindListener(any->ToSocketAddress());
  EXPECT_EQ(StartListening(made.fd.get()), 0);
  const Endpoint bound = BoundEndpoint(made.fd.get());
  return {{bound, ""}, std::make_shared<const UniqueFd>(std::move(made.fd)), home};
}

uint64_t CookieOf(const PassedSocket& socket) {
  uint64_t cookie = 0;
  socklen_t length = sizeof cookie;
  EXPECT_EQ(getsockopt(socket.fd->get(), SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
  return cookie;
}

// A worker "w" that answers; the test is the process that asks it.
class HandoverTest : public testing::Test {
 protected:
  HandoverTest() : folder_("/tmp/lb-handover-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/worker-w.handover";
    EXPECT_TRUE(server_.Listen(path_).ok());
  }
  ~HandoverTest() override { std::filesystem::remove_all(folder_); }

  // Runs what blocks while the server answers.
  template <typename Call>
  auto While(Call call) {
    decltype(call()) result = absl::UnknownError("not called");
    std::thread asker([&] {
      result = call();
      boost::asio::post(io_, [this] { io_.stop(); });
    });
    io_.restart();
    const auto guard = boost::asio::make_work_guard(io_);
    io_.run();
    asker.join();
    io_.restart();
    io_.poll();
    return result;
  }

  std::string folder_;
  std::string path_;
  boost::asio::io_context io_;
  std::vector<PassedSocket> sockets_;
  std::string state_;
  std::string rights_;
  std::vector<PassedSocket> adopted_;
  std::string released_;
  int replaced_ = 0;
  bool replaced_all_ = false;
  int alone_ = 0;
  HandoverServer server_{io_,
                         "w",
                         {.sockets = [this] { return sockets_; },
                          .state = [this] { return state_; },
                          .took_over =
                              [] {
                                return std::vector<std::string>{"w2", "w1"};
                              },
                          .replaced =
                              [this](bool all) {
                                ++replaced_;
                                replaced_all_ = all;
                                return rights_;
                              },
                          .gives_way_to_headless = [] { return false; },
                          .alone_again = [this] { ++alone_; },
                          .adopt =
                              [this](auto sockets) {
                                adopted_ = std::move(sockets);
                                return adopted_.size();
                              },
                          .release = [this](const auto& home) { released_ = home; }}};
};

TEST_F(HandoverTest, AProcessOfTheSameIdGetsEverything) {
  for (int i = 0; i < 5; ++i) sockets_.push_back(Listening(i == 4 ? "other" : ""));
  state_ = std::string(1 << 20, 's');
  rights_ = "rights";
  auto takeover = While([&] { return Takeover::Ask(path_, "w", kTimeout); });
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  EXPECT_TRUE(server_.has_successor());
  EXPECT_EQ(replaced_, 0);
  const std::vector<PassedSocket> got = takeover->TakeSockets();
  ASSERT_EQ(got.size(), sockets_.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].key, sockets_[i].key);
    EXPECT_EQ(CookieOf(got[i]), CookieOf(sockets_[i]));
  }
  EXPECT_EQ(got[4].home, "other");
  EXPECT_EQ(takeover->state(), state_);
  EXPECT_EQ(takeover->took_over(), (std::vector<std::string>{"w2", "w1"}));
  const auto rights = While([&] { return takeover->SayServing(false); });
  ASSERT_TRUE(rights.ok()) << rights.status();
  EXPECT_EQ(*rights, "rights");
  EXPECT_EQ(replaced_, 1);
  EXPECT_TRUE(replaced_all_);
  EXPECT_EQ(alone_, 0);
  { const Takeover gone = *std::move(takeover); }
  io_.run_one_for(kTimeout);
  EXPECT_EQ(alone_, 1);
  EXPECT_FALSE(server_.has_successor());
}

TEST_F(HandoverTest, ASocketThatCameAfterTheQuestionIsNotTheSuccessors) {
  sockets_ = {Listening()};
  auto takeover = While([&] { return Takeover::Ask(path_, "w", kTimeout); });
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  EXPECT_TRUE(server_.has_heir_of_all());
  sockets_.push_back(Listening());
  EXPECT_TRUE(server_.has_successor());
  EXPECT_FALSE(server_.has_heir_of_all());
  EXPECT_TRUE(While([&] { return takeover->SayServing(false); }).ok());
  EXPECT_EQ(replaced_, 1);
  EXPECT_FALSE(replaced_all_);
}

TEST_F(HandoverTest, ANeighbourGetsBackWhatItLent) {
  sockets_ = {Listening(), Listening("n"), Listening("m")};
  auto takeover = While([&] { return Takeover::Ask(path_, "n", kTimeout); });
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  const std::vector<PassedSocket> got = takeover->TakeSockets();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(CookieOf(got[0]), CookieOf(sockets_[1]));
  EXPECT_TRUE(takeover->state().empty());
  EXPECT_FALSE(server_.has_successor());
  EXPECT_TRUE(While([&] { return takeover->SayServing(false); }).ok());
  EXPECT_EQ(released_, "n");
  EXPECT_EQ(replaced_, 0);
}

TEST_F(HandoverTest, WhatIsOfferedIsTakenAndNamedByItsHome) {
  const std::vector<PassedSocket> offered = {Listening(), Listening("far"), Listening("w")};
  const auto taken = While([&] { return OfferSockets(path_, "n", offered, kTimeout); });
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(*taken, 3u);
  ASSERT_EQ(adopted_.size(), 3u);
  EXPECT_EQ(adopted_[0].home, "n");
  EXPECT_EQ(adopted_[1].home, "far");
  EXPECT_EQ(adopted_[2].home, "");
  EXPECT_EQ(CookieOf(adopted_[1]), CookieOf(offered[1]));
}

TEST_F(HandoverTest, MoreSocketsThanOnePacketHolds) {
  const PassedSocket one = Listening();
  sockets_.assign(2 * kMaxDescriptors + 1, one);
  auto takeover = While([&] { return Takeover::Ask(path_, "w", kTimeout); });
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  EXPECT_EQ(takeover->TakeSockets().size(), sockets_.size());
}

TEST_F(HandoverTest, WhoeverIsNotThereIsNotFound) {
  EXPECT_TRUE(
      absl::IsNotFound(Takeover::Ask(folder_ + "/worker-x.handover", "x", kTimeout).status()));
  EXPECT_FALSE(IsListening(folder_ + "/worker-x.handover"));
  EXPECT_TRUE(IsListening(path_));
}

TEST_F(HandoverTest, AWorkerThatHangsIsNotWaitedFor) {
  // Nobody runs the loop.
  EXPECT_TRUE(absl::IsUnavailable(Takeover::Ask(path_, "w", milliseconds(50)).status()));
}

TEST_F(HandoverTest, OneWithoutAControlPlaneIsRefusedByOneThatHasOne) {
  auto takeover = While([&] { return Takeover::Ask(path_, "w", kTimeout); });
  ASSERT_TRUE(takeover.ok()) << takeover.status();
  const auto rights = While([&] { return takeover->SayServing(true); });
  EXPECT_TRUE(absl::IsFailedPrecondition(rights.status())) << rights.status();
  EXPECT_EQ(replaced_, 0);
  EXPECT_FALSE(server_.has_successor());
}

TEST_F(HandoverTest, ThePathBelongsToWhoListenedLast) {
  HandoverServer next(io_, "w", {});
  EXPECT_TRUE(server_.is_at_path());
  const auto displaced = next.Listen(path_);
  ASSERT_TRUE(displaced.ok()) << displaced.status();
  // The one before can still be asked.
  EXPECT_TRUE(While([&] { return Takeover::Ask(*displaced, "w", kTimeout); }).ok());
  EXPECT_FALSE(server_.is_at_path());
  EXPECT_TRUE(next.is_at_path());
}

TEST(PacketTest, ADescriptorThatDoesNotListenThereIsRefused) {
  const PassedSocket real = Listening();
  SocketsPacket packed = std::move(PackSockets({real}).front());
  const auto unpack = [&](const std::string& listen, int fd) {
    ReceivedPacket packet;
    packet.message = packed.message;
    packet.message.mutable_sockets()->mutable_sockets(0)->set_listen(listen);
    packet.descriptors.emplace_back(::dup(fd));
    std::vector<PassedSocket> sockets;
    return UnpackSockets(std::move(packet), sockets);
  };
  const std::string address = real.key.first.ToString();
  EXPECT_TRUE(unpack(address, real.fd->get()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(unpack("127.0.0.2:80", real.fd->get())));
  EXPECT_TRUE(absl::IsInvalidArgument(unpack("unix:/tmp/x", real.fd->get())));
  EXPECT_TRUE(absl::IsInvalidArgument(unpack(address, STDERR_FILENO)));
  const SocketResult silent = MakeStreamSocket(AF_INET);
  EXPECT_TRUE(absl::IsInvalidArgument(unpack(address, silent.fd.get())));
}

TEST(PacketTest, SocketsWithTheLongestNamesTakeMorePacketsAndAllArrive) {
  const PassedSocket real = Listening();
  const Endpoint any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
  std::vector<PassedSocket> sockets;
  for (size_t i = 0; i < kMaxDescriptors; ++i)
    sockets.push_back(
        {{any, std::string(255, 'r')}, real.fd, std::string(255, static_cast<char>('a' + i % 26))});
  std::vector<PassedSocket> unpacked;
  for (SocketsPacket& packed : PackSockets(sockets)) {
    EXPECT_LE(packed.message.ByteSizeLong(), kMaxPacketBytes);
    ReceivedPacket packet;
    packet.message = std::move(packed.message);
    for (const SharedFd& fd : packed.descriptors) packet.descriptors.emplace_back(::dup(fd->get()));
    ASSERT_TRUE(UnpackSockets(std::move(packet), unpacked).ok());
  }
  ASSERT_EQ(unpacked.size(), sockets.size());
  for (size_t i = 0; i < sockets.size(); ++i) EXPECT_EQ(unpacked[i].home, sockets[i].home);
}

TEST(MemoryFileTest, OnlySealedFilesAreRead) {
  const auto file = MakeMemoryFile("content");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(ReadMemoryFile(file->get()).value(), "content");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadMemoryFile(STDERR_FILENO).status()));
}

TEST(HandoverPathTest, StandsBesideTheWorkerApi) {
  const Endpoint unix_path = Endpoint::Parse("unix:/run/lb/worker.sock").value();
  EXPECT_EQ(HandoverPath(unix_path, "a"), "/run/lb/worker-a.handover");
  EXPECT_EQ(HandoverPath(Endpoint::Parse("unix:/tmp/x/cp").value(), "a"), "/tmp/x/cp-a.handover");
  EXPECT_EQ(HandoverPath(Endpoint::Parse("10.0.0.1:99").value(), "a"), "/run/lb/worker-a.handover");
}

}  // namespace
}  // namespace lb::dataplane
