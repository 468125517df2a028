// Bandwidth limits as connections meet them: what changes under them, and what ends while they
// wait for their turn.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::milliseconds;

void LimitDownload(TestWorker& worker, uint64_t bytes_per_s, uint64_t burst_bytes) {
  auto& client = *worker.rule().mutable_bandwidth_limit()->mutable_client();
  client.set_download_bytes_per_s(bytes_per_s);
  client.set_download_burst_bytes(burst_bytes);
}

// Waits until the peer's kernel has all that was sent.
bool AllSent(int fd) {
  return Eventually([fd] {
    int bytes = 0;
    return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes == 0;
  });
}

// Sends so many bytes to whoever asks, then resets.
FakeBackend::Serve AnswerAndReset(size_t bytes) {
  return [bytes](UniqueFd client) {
    if (Read(client.get(), 1).data != "?" || !SendAll(client.get(), Pattern(bytes, 1))) return;
    EXPECT_TRUE(AllSent(client.get()));
    Reset(std::move(client));
  };
}

// Sends until the client is gone.
void Pour(UniqueFd client) {
  const std::string block = Pattern(100'000, 1);
  while (SendAll(client.get(), block)) {
  }
}

// How long so many bytes take to come.
Duration TimeOf(int fd, size_t bytes) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Read(fd, bytes).data.size(), bytes);
  return std::chrono::steady_clock::now() - start;
}

// True once half a megabyte takes what it takes at a megabyte per second. What was on its way
// before is in sockets already: some megabytes.
bool IsSlow(int fd) {
  return Eventually([fd] { return TimeOf(fd, 500'000) >= milliseconds(400); });
}

TEST(PacingTest, AnAnswerArrivesWholeBeforeTheResetBehindIt) {
  constexpr size_t kAnswerBytes = 40'000;
  FakeBackend a(AnswerAndReset(kAnswerBytes));
  FakeBackend b(AnswerAndReset(kAnswerBytes));
  TestWorker worker;
  LimitDownload(worker, 200'000, 4'000);
  auto& outlier = *worker.rule().mutable_outlier_detection();
  outlier.set_failures(1);
  outlier.set_ejection_time_ms(3'600'000);
  outlier.set_max_ejected_percent(50);
  worker.AddBackend("a", a.address());
  worker.AddBackend("b", b.address());
  worker.Apply();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(Dial(worker.address()));
    ASSERT_TRUE(SendAll(clients.back().get(), "?"));
  }
  for (const UniqueFd& client : clients) {
    const ReadResult answer = Read(client.get());
    EXPECT_EQ(answer.data.size(), kAnswerBytes);
    EXPECT_EQ(answer.error, ECONNRESET);
  }
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Sum(&RuleCounters::retries), 0u);
  for (const char* backend : {"a", "b"})
    EXPECT_EQ(worker.Failures(backend, ConnectFailure::kReset), 0u);
}

TEST(PacingTest, AnOpenConnectionFollowsALimitThatComesChangesAndGoes) {
  FakeBackend backend(Pour);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  const UniqueFd client = Dial(worker.address());
  ASSERT_EQ(Read(client.get(), 1'000'000).data.size(), 1'000'000u);
  LimitDownload(worker, 1'000'000, 10'000);
  worker.Apply();
  EXPECT_TRUE(IsSlow(client.get()));
  LimitDownload(worker, 100'000'000, 1'000'000);
  worker.Apply();
  EXPECT_LT(TimeOf(client.get(), 20'000'000), std::chrono::seconds(15)) << "20 s at the old rate";
  worker.rule().clear_bandwidth_limit();
  worker.Apply();
  TimeOf(client.get(), 20'000'000);
  // The one of the backend counts as well.
  worker.rule().mutable_bandwidth_limit()->mutable_backend()->set_download_bytes_per_s(1'000'000);
  worker.rule().mutable_bandwidth_limit()->mutable_backend()->set_download_burst_bytes(10'000);
  worker.Apply();
  EXPECT_TRUE(IsSlow(client.get()));
}

TEST(PacingTest, WhoWaitsForHisTurnIsNotIdle) {
  FakeBackend backend([](UniqueFd client) {
    if (SendAll(client.get(), Pattern(4'000, 1))) Read(client.get());
  });
  TestWorker worker;
  // Ten turns of a packet each take longer than a connection may be idle.
  LimitDownload(worker, 20'000, 1'500);
  worker.rule().mutable_timeouts()->set_idle_ms(300);
  worker.AddBackend("a", backend.address());
  worker.Apply();
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Dial(worker.address()));
  for (const UniqueFd& client : clients) EXPECT_EQ(Read(client.get(), 4'000).data.size(), 4'000u);
  // Who has nothing to wait for is idle.
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kIdle), 10u);
}

}  // namespace
}  // namespace lb::dataplane
