#include "controlplane/shell/unix_acceptor.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

class UnixAcceptorTest : public testing::Test {
 protected:
  UnixAcceptor::Options Options() const {
    UnixAcceptor::Options options;
    options.listener = {Endpoint::Parse("unix:" + path_).value(), "", "", "--worker-api"};
    options.max_connections = 100;
    return options;
  }

  absl::StatusOr<std::unique_ptr<UnixAcceptor>> Start(UnixAcceptor::Options options) {
    return UnixAcceptor::Start(loop_.io(), std::move(options), [this](UniqueFd connection) {
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
};

TEST_F(UnixAcceptorTest, HandsConnectionsOnAndSeesThemEnd) {
  auto acceptor = Start(Options()).value();
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660u);
  UniqueFd first = Connect();
  const UniqueFd second = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 2; }));
  EXPECT_EQ(acceptor->connections(), 2u);
  EXPECT_TRUE(acceptor->HasPeer(::getpid()));
  EXPECT_FALSE(acceptor->HasPeer(::getppid()));
  first.Reset();  // The peer goes.
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 1; }));
  ::shutdown(accepted_[1].get(), SHUT_RDWR);  // Our side closes, as gRPC does.
  accepted_.clear();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->connections() == 0; }));
  EXPECT_TRUE(IsClosed(second));
  acceptor.reset();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(UnixAcceptorTest, DataThatNobodyReadsDoesNotKeepTheLoopBusy) {
  auto acceptor = Start(Options()).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return accepted_.size() == 1; }));
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  loop_.RunFor(std::chrono::milliseconds(20));
  loop_.io().restart();
  EXPECT_EQ(loop_.io().run_for(std::chrono::milliseconds(50)), 0u);
  EXPECT_EQ(acceptor->connections(), 1u);
}

TEST_F(UnixAcceptorTest, RefusesUsersThatAreNotAllowed) {
  UnixAcceptor::Options options = Options();
  options.allowed_uids = std::vector<uid_t>{::geteuid() + 1};
  auto acceptor = Start(std::move(options)).value();
  const UniqueFd client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return acceptor->counters().refused_uid == 1; }));
  EXPECT_TRUE(accepted_.empty());
  EXPECT_TRUE(IsClosed(client));
}

TEST_F(UnixAcceptorTest, ClosesWhatIsOverTheLimitAndTakesNewOnesWhenThereIsRoom) {
  UnixAcceptor::Options options = Options();
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

TEST_F(UnixAcceptorTest, AcceptsAgainAfterDescriptorsRanOut) {
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

TEST_F(UnixAcceptorTest, ReplacesAStaleSocketAndRefusesALiveOne) {
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

TEST_F(UnixAcceptorTest, RefusesToReplaceAFileAndNamesTheFlagForAMissingFolder) {
  std::ofstream(path_) << "precious";
  EXPECT_EQ(Start(Options()).status().code(), absl::StatusCode::kAlreadyExists);
  UnixAcceptor::Options options = Options();
  options.listener.address = Endpoint::Parse("unix:" + path_ + ".d/api.sock").value();
  const absl::Status status = Start(std::move(options)).status();
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_NE(status.message().find("--worker-api"), absl::string_view::npos);
}

}  // namespace
}  // namespace lb::controlplane
