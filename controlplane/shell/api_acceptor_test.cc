#include "controlplane/shell/api_acceptor.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

class ApiAcceptorTest : public testing::Test {
 protected:
  ApiAcceptor::Options Options() const {
    ApiAcceptor::Options options;
    options.listener = {Endpoint::Parse("unix:" + path_).value(), "", "", "--worker-api"};
    options.max_connections = 100;
    options.identify = [](uid_t, const std::vector<gid_t>&) { return Caller{}; };
    return options;
  }

  absl::StatusOr<std::unique_ptr<ApiAcceptor>> Start(ApiAcceptor::Options options) {
    return ApiAcceptor::Start(loop_.io(), std::move(options),
                              [this](UniqueFd connection, const Identity& peer) {
                                peer_ = peer;
                                accepted_.push_back(std::move(connection));
                              });
  }

  UniqueFd Connect() {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress address = Endpoint::Parse("unix:" + path_).value().ToSocketAddress();
    EXPECT_EQ(::connect(fd.get(), address.get(), address.length), 0);
    return fd;
  }

  static bool IsClosed(const UniqueFd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  const SocketFolder folder_;
  const std::string path_ = folder_.path() + "/api.sock";
  TestLoop loop_;
  std::vector<UniqueFd> accepted_;
  Identity peer_;  // Of the last one.
};

TEST_F(ApiAcceptorTest, HangsUpAndTellsWhoIsGone) {
  std::vector<std::string> gone;
  ApiAcceptor::Options options = Options();
  options.identify = [](uid_t uid, const std::vector<gid_t>&) {
    return Caller{Role::kViewer, "uid/" + std::to_string(uid)};
  };
  options.on_end = [&](const Identity& peer) { gone.push_back(peer.caller.name); };
  auto acceptor = Start(std::move(options)).value();
  const UniqueFd first = Connect();
  UniqueFd second = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 2; }));
  second = UniqueFd();
  EXPECT_TRUE(loop_.RunUntil([&] { return gone.size() == 1; }));
  acceptor->HangUp();
  EXPECT_TRUE(loop_.RunUntil([&] { return gone.size() == 2; }));
  EXPECT_TRUE(IsClosed(first));
  EXPECT_EQ(gone, std::vector(2, "uid/" + std::to_string(::getuid())));
  EXPECT_EQ(acceptor->connections(), 0u);
}

TEST_F(ApiAcceptorTest, HandsConnectionsOnAndSeesThemEnd) {
  auto acceptor = Start(Options()).value();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  UniqueFd first = Connect();
  const UniqueFd second = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 2; }));
  EXPECT_EQ(acceptor->connections(), 2u);
  first.Reset();  // The peer goes.
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 1; }));
  ::shutdown(accepted_[1].get(), SHUT_RDWR);  // Our side closes, as gRPC does.
  accepted_.clear();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 0; }));
  EXPECT_TRUE(IsClosed(second));
  acceptor.reset();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ApiAcceptorTest, DataThatNobodyReadsDoesNotKeepTheLoopBusy) {
  auto acceptor = Start(Options()).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 1; }));
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  loop_.RunFor(std::chrono::milliseconds(20));
  loop_.io().restart();
  EXPECT_EQ(loop_.io().run_for(std::chrono::milliseconds(50)), 0u);
  EXPECT_EQ(acceptor->connections(), 1u);
}

TEST_F(ApiAcceptorTest, RefusesUsersThatAreNotAllowed) {
  ApiAcceptor::Options options = Options();
  std::vector<gid_t> seen;
  options.identify = [&seen](uid_t uid, const std::vector<gid_t>& gids) {
    EXPECT_EQ(uid, ::geteuid());
    seen = gids;
    return std::optional<Caller>();
  };
  auto acceptor = Start(std::move(options)).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->counters().refused_uid == 1; }));
  EXPECT_TRUE(accepted_.empty());
  EXPECT_TRUE(IsClosed(client));
  EXPECT_EQ(std::count(seen.begin(), seen.end(), ::getegid()), 1);
}

TEST_F(ApiAcceptorTest, TellsWhoTheUserIs) {
  ApiAcceptor::Options options = Options();
  options.identify = [](uid_t, const std::vector<gid_t>&) {
    return Caller{Role::kViewer, "uid/1000"};
  };
  auto acceptor = Start(std::move(options)).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 1; }));
  EXPECT_EQ(peer_.caller.role, Role::kViewer);
  EXPECT_EQ(peer_.caller.name, "uid/1000");
  EXPECT_EQ(peer_.pid, 0);
}

TEST_F(ApiAcceptorTest, TellsProcessesApartWhereAsked) {
  ApiAcceptor::Options options = Options();
  options.by_process = true;
  auto acceptor = Start(std::move(options)).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 1; }));
  EXPECT_EQ(peer_.pid, ::getpid());
}

TEST_F(ApiAcceptorTest, OneSourceTakesOnlyItsShareOfTcpConnections) {
  ApiAcceptor::Options options = Options();
  options.listener.address = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
  options.max_connections = 3;
  options.max_connections_per_source = 2;
  auto acceptor = Start(std::move(options)).value();
  const auto connect = [&](const char* from) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress own = Endpoint::Parse(std::string(from) + ":0", Endpoint::PortZero::kAllow)
                                  .value()
                                  .ToSocketAddress();
    EXPECT_EQ(::bind(fd.get(), own.get(), own.length), 0);
    const SocketAddress there = acceptor->address().ToSocketAddress();
    EXPECT_EQ(::connect(fd.get(), there.get(), there.length), 0);
    return fd;
  };
  UniqueFd first = connect("127.0.0.1");
  const UniqueFd second = connect("127.0.0.1");
  const UniqueFd third = connect("127.0.0.1");
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->counters().refused_source == 1; }));
  const UniqueFd other = connect("127.0.0.2");
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 3; }));
  first.Reset();
  ::shutdown(accepted_[0].get(), SHUT_RDWR);
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 2; }));
  const UniqueFd fourth = connect("127.0.0.1");
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 4; }));
}

TEST_F(ApiAcceptorTest, ClosesWhatIsOverTheLimitAndTakesNewOnesWhenThereIsRoom) {
  ApiAcceptor::Options options = Options();
  options.max_connections = 1;
  auto acceptor = Start(std::move(options)).value();
  UniqueFd first = Connect();
  const UniqueFd second = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->counters().refused_limit == 1; }));
  EXPECT_TRUE(IsClosed(second));
  first.Reset();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 0; }));
  const UniqueFd third = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 2; }));
}

TEST_F(ApiAcceptorTest, AcceptsAgainAfterDescriptorsRanOut) {
  auto acceptor = Start(Options()).value();
  const UniqueFd client = Connect();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit low = before;
  const UniqueFd next(::dup(0));
  low.rlim_cur = static_cast<rlim_t>(next.get());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_TRUE(loop_.RunUntil([&] { return acceptor->counters().shortages >= 2; }));
  EXPECT_TRUE(accepted_.empty());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 1; }));
}

TEST_F(ApiAcceptorTest, ReplacesAStaleSocketAndRefusesALiveOne) {
  auto first = Start(Options()).value();
  const auto second = Start(Options());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find(
                "another process listens there; --worker-api gives another path"),
            absl::string_view::npos);
  first.reset();
  {
    // A process that died leaves its file.
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    const SocketAddress address = Options().listener.address.ToSocketAddress();
    ASSERT_EQ(::bind(dead.get(), address.get(), address.length), 0);
  }
  EXPECT_TRUE(Start(Options()).ok());
}

TEST_F(ApiAcceptorTest, RefusesToReplaceAFileAndNamesTheFlagForAMissingFolder) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(Start(Options()).status().code(), absl::StatusCode::kAlreadyExists);
  ApiAcceptor::Options options = Options();
  options.listener.address = Endpoint::Parse("unix:" + path_ + ".d/api.sock").value();
  const absl::Status status = Start(std::move(options)).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("--worker-api"), absl::string_view::npos);
}

}  // namespace
}  // namespace lb::controlplane
