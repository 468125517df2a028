// The worker when descriptors run out. A process of its own, because the limit is the process's.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "dataplane/forward/listener.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// While it lives, no descriptor can be opened in this process.
class NoDescriptors final {
 public:
  NoDescriptors() {
    LB_CHECK(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit tight = before_;
    tight.rlim_cur = static_cast<rlim_t>(dup(0));
    LB_CHECK(close(static_cast<int>(tight.rlim_cur)) == 0);
    LB_CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    for (int fd = dup(0); fd >= 0; fd = dup(0)) fillers_.emplace_back(fd);
  }
  ~NoDescriptors() { LB_CHECK(setrlimit(RLIMIT_NOFILE, &before_) == 0); }

 private:
  rlimit before_{};
  std::vector<UniqueFd> fillers_;
};

std::vector<UniqueFd> MakeSockets(size_t count) {
  std::vector<UniqueFd> sockets;
  for (size_t i = 0; i < count; ++i) sockets.emplace_back(socket(AF_INET, SOCK_STREAM, 0));
  return sockets;
}

bool Connect(const UniqueFd& client, const Endpoint& address) {
  const SocketAddress target = address.ToSocketAddress();
  return connect(client.get(), target.get(), target.length) == 0;
}

uint64_t EmfileErrors(TestWorker& worker) {
  for (const auto& [error, count] : worker.forwarder().totals().accept_errors) {
    if (error == "EMFILE") return count;
  }
  return 0;
}

TEST(PressureTest, ConnectionsAboveTheWorkersMaximumAreReset) {
  FakeBackend backend(Echo);
  TestWorker worker({.threads = 2, .max_connections = 3});
  worker.AddBackend("a", backend.address());
  worker.Apply();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Dial(worker.address()));
    ASSERT_TRUE(SendAll(clients.back().get(), "x"));
    ASSERT_EQ(Read(clients.back().get(), 1).data, "x");
  }
  EXPECT_EQ(Read(Dial(worker.address()).get()).error, ECONNRESET);
  EXPECT_EQ(worker.Refused(RefuseReason::kWorkerLimit), 1u);
  clients.clear();
  ASSERT_TRUE(worker.Quiet());
  UniqueFd client = Dial(worker.address());
  ASSERT_TRUE(SendAll(client.get(), "x"));
  EXPECT_EQ(Read(client.get(), 1).data, "x");
}

// Goal: without descriptors accept pauses, neither spinning nor dying, and goes on by itself.
// Method: clients connect into the kernel's queue while none can be opened; the errors counted are
// few for the time that passed; with descriptors back every waiting client is served, although
// more wait than are accepted in one turn.
TEST(PressureTest, AcceptPausesWithoutDescriptorsAndRecovers) {
  FakeBackend backend(Echo);
  constexpr uint64_t kThreads = 1;
  TestWorker worker({.threads = kThreads});
  worker.AddBackend("a", backend.address());
  worker.Apply();
  const Endpoint address = worker.address();
  const std::vector<UniqueFd> clients = MakeSockets(3 * Listener::kMaxBatch);
  {
    const NoDescriptors none;
    const auto start = std::chrono::steady_clock::now();
    for (const UniqueFd& client : clients) ASSERT_TRUE(Connect(client, address));
    ASSERT_TRUE(Eventually([&] { return EmfileErrors(worker) >= 3 * kThreads; }));
    const auto passed = std::chrono::steady_clock::now() - start;
    const auto pauses = static_cast<uint64_t>(passed / std::chrono::milliseconds(100));
    EXPECT_LE(EmfileErrors(worker), kThreads * (pauses + 2));
    EXPECT_TRUE(worker.forwarder().Alive(kPatience));
  }
  for (const UniqueFd& client : clients) {
    ASSERT_TRUE(SendAll(client.get(), "x"));
    EXPECT_EQ(Read(client.get(), 1).data, "x");
  }
}

// Goal: nobody is accepted only to be reset for want of the backend's descriptor. Method: one
// descriptor is left, and clients wait; then all are back.
TEST(PressureTest, WithOneDescriptorLeftClientsWaitLikeWithNone) {
  FakeBackend backend(Echo);
  TestWorker worker({.threads = 1});
  worker.AddBackend("a", backend.address(), 1, 50);
  worker.Apply();
  const Endpoint address = worker.address();
  const std::vector<UniqueFd> clients = MakeSockets(20);
  UniqueFd last(dup(0));
  {
    const NoDescriptors none;
    last.Reset();
    for (const UniqueFd& client : clients) ASSERT_TRUE(Connect(client, address));
    ASSERT_TRUE(Eventually([&] { return EmfileErrors(worker) >= 3; }));
    EXPECT_EQ(worker.Refused(RefuseReason::kConnectFailed), 0u);
  }
  for (const UniqueFd& client : clients) {
    ASSERT_TRUE(SendAll(client.get(), "x"));
    EXPECT_EQ(Read(client.get(), 1).data, "x");
  }
  EXPECT_EQ(worker.Refused(RefuseReason::kConnectFailed), 0u);
}

TEST(PressureTest, NoDescriptorIsLeftBehind) {
  const size_t before = OpenDescriptors();
  {
    FakeBackend backend([](UniqueFd client) {
      const ReadResult wish = Read(client.get(), 1);
      if (wish.data == "r") Reset(std::move(client));
    });
    SilentBackend silent;
    TestWorker worker({.threads = 3});
    worker.rule().mutable_timeouts()->set_connect_ms(100);
    worker.rule().set_connect_attempts(2);
    worker.AddBackend("a", backend.address());
    worker.AddBackend("b", UnusedAddress());
    worker.AddBackend("c", silent.address());
    worker.Apply();
    for (int i = 0; i < 60; ++i) {
      UniqueFd client = Dial(worker.address());
      SendAll(client.get(), i % 3 == 0 ? "r" : "f");
      if (i % 5 == 0)
        Reset(std::move(client));
      else if (i % 2 == 0)
        Read(client.get());
    }
    ASSERT_TRUE(worker.Quiet());
    // One more is open when the worker ends.
    UniqueFd client = Dial(worker.address());
    SendAll(client.get(), "x");
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace lb::dataplane
