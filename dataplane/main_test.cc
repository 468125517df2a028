// The program itself: what it says to a control plane, its exit codes, its signals.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"
#include "tests/fakes/control_plane.h"

namespace lb::dataplane {
namespace {

using lb::tests::FakeControlPlane;

constexpr char kProgram[] = "dataplane/lb-worker";

// A process that is killed and waited for when a test leaves it running.
class Process final {
 public:
  explicit Process(std::initializer_list<std::string> flags) {
    std::vector<std::string> words = {kProgram};
    words.insert(words.end(), flags);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, kProgram, nullptr, nullptr, argv.data(), environ), 0);
  }
  ~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void Signal(int signal) const { ::kill(pid_, signal); }

  // The exit code; -1 when it did not exit by itself. Bounded by the test's own time limit.
  int Wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

class MainTest : public testing::Test {
 protected:
  MainTest() {
    // The path of a unix socket is short: TEST_TMPDIR may be too deep for it.
    std::string folder = "/tmp/lb-main-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~MainTest() override { std::filesystem::remove_all(folder_); }

  std::string Control() const { return "unix:" + folder_ + "/worker.sock"; }
  std::string Http() const { return "unix:" + folder_ + "/http"; }

  // The status line of a page; empty while nobody answers.
  std::string Page(const std::string& path) const {
    const UniqueFd client = Dial(Endpoint::Parse(Http()).value());
    if (!client.valid()) return "";
    SendAll(client.get(), "GET " + path + " HTTP/1.0\r\n\r\n");
    const std::string reply = Read(client.get()).data;
    return reply.substr(0, reply.find('\r'));
  }

  // A snapshot of one rule.
  static lb::type::v1::Snapshot Web(const Endpoint& listen, const Endpoint& backend) {
    lb::type::v1::Snapshot snapshot;
    auto& rule = *snapshot.add_rules();
    rule.set_name("web");
    rule.set_listen(listen.ToString());
    rule.mutable_timeouts()->set_connect_ms(5'000);
    rule.mutable_timeouts()->set_idle_ms(600'000);
    rule.mutable_timeouts()->set_half_close_ms(600'000);
    rule.set_balance(lb::type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
    rule.set_connect_attempts(1);
    auto& only = *rule.add_backends();
    only.set_name("echo");
    only.set_address(backend.ToString());
    only.set_weight(1);
    return snapshot;
  }

  std::string folder_;
};

TEST_F(MainTest, ServesThenDrainsOnTermAndExitsWithZero) {
  const FakeBackend backend(Echo);
  const Endpoint listen = UnusedAddress();
  FakeControlPlane plane(folder_ + "/worker.sock");
  Process worker({"--control", Control(), "--http", Http(), "--id", "worker-1", "--threads", "2"});
  const auto hello = plane.AwaitHello();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->worker().id(), "worker-1");
  EXPECT_EQ(hello->worker().incarnation().size(), 32u);
  EXPECT_GT(hello->worker().start_time().seconds(), 0);
  EXPECT_EQ(Page("/livez"), "HTTP/1.1 200 OK");
  EXPECT_EQ(Page("/readyz"), "HTTP/1.1 503 Service Unavailable");
  ASSERT_TRUE(plane.SendWelcome());
  ASSERT_TRUE(plane.SendSnapshot(Web(listen, backend.address()), 1, 1));
  ASSERT_TRUE(plane.AwaitAnswer().value().has_ack());
  EXPECT_EQ(Page("/readyz"), "HTTP/1.1 200 OK");

  UniqueFd open = Dial(listen);
  ASSERT_TRUE(SendAll(open.get(), "ping"));
  ASSERT_EQ(Read(open.get(), 4).data, "ping");
  worker.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return Page("/readyz") == "HTTP/1.1 503 Service Unavailable"; }));
  EXPECT_TRUE(Eventually([&] { return !Dial(listen).valid(); }));
  ASSERT_TRUE(SendAll(open.get(), "more"));
  EXPECT_EQ(Read(open.get(), 4).data, "more");
  open.Reset();
  EXPECT_EQ(worker.Wait(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/http"));
}

TEST_F(MainTest, ASecondTermEndsItAtOnce) {
  const FakeBackend backend(Echo);
  const Endpoint listen = UnusedAddress();
  FakeControlPlane plane(folder_ + "/worker.sock");
  Process worker({"--control", Control(), "--http", Http(), "--drain-timeout", "24h"});
  ASSERT_TRUE(plane.AwaitHello().has_value());
  ASSERT_TRUE(plane.SendWelcome());
  ASSERT_TRUE(plane.SendSnapshot(Web(listen, backend.address()), 1, 1));
  ASSERT_TRUE(plane.AwaitAnswer().value().has_ack());
  const UniqueFd open = Dial(listen);
  ASSERT_TRUE(SendAll(open.get(), "ping"));
  ASSERT_EQ(Read(open.get(), 4).data, "ping");
  worker.Signal(SIGTERM);
  ASSERT_TRUE(Eventually([&] { return !Dial(listen).valid(); }));
  worker.Signal(SIGTERM);
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(MainTest, QuitEndsAWorkerWithoutControlPlaneAtOnce) {
  Process worker({"--control", Control(), "--http", Http()});
  ASSERT_TRUE(Eventually([&] { return !Page("/livez").empty(); }));
  worker.Signal(SIGQUIT);
  EXPECT_EQ(worker.Wait(), 0);
}

TEST_F(MainTest, ExitCodesTellABadFlagFromABadPlace) {
  EXPECT_EQ(Process({"--control", "127.0.0.1:1"}).Wait(), 2);
  EXPECT_EQ(Process({"--log-level", "loud"}).Wait(), 2);
  EXPECT_EQ(Process({"--http", "unix:" + folder_ + "/none/http"}).Wait(), 1);
  EXPECT_EQ(Process({"--http", "10.1.2.3:80"}).Wait(), 2);
}

TEST_F(MainTest, TwoWorkersOfOneHttpSocketDoNotStealIt) {
  const Process first({"--control", Control(), "--http", Http()});
  ASSERT_TRUE(Eventually([&] { return !Page("/livez").empty(); }));
  EXPECT_EQ(Process({"--control", Control(), "--http", Http()}).Wait(), 1);
  EXPECT_EQ(Page("/livez"), "HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace lb::dataplane
