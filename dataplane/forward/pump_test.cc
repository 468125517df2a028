#include "dataplane/forward/pump.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/check.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// One direction between two socket pairs: `source` and `sink` are the far ends.
class PumpTest : public testing::Test {
 protected:
  PumpTest() {
    Pair(source_, from_.fd);
    Pair(sink_, to_.fd);
    from_.readable = to_.writable = true;
  }

  static void Pair(UniqueFd& far, UniqueFd& near) {
    std::array<int, 2> fds{};
    LB_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
    far.Reset(fds[0]);
    near.Reset(fds[1]);
  }

  // Fills what the destination takes, so that it takes no more.
  void FillSink() {
    const std::string filler(4096, '.');
    while (send(to_.fd.get(), filler.data(), filler.size(), MSG_NOSIGNAL) > 0) {
    }
  }
  std::string ReadSink() {
    std::string data(1 << 20, '\0');
    const ssize_t got = recv(sink_.get(), data.data(), data.size(), 0);
    data.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return data;
  }
  void Write(const std::string& data) {
    ASSERT_EQ(send(source_.get(), data.data(), data.size(), 0), static_cast<ssize_t>(data.size()));
  }
  Pumped Run(bool last = false) { return Pump(direction_, from_, to_, last, scratch_.data()); }

  UniqueFd source_;
  UniqueFd sink_;
  Side from_{nullptr};
  Side to_{nullptr};
  Direction direction_;
  std::array<char, kScratchBytes> scratch_{};
};

TEST_F(PumpTest, MovesWhatIsThereAndWaits) {
  Write("hello");
  const Pumped pumped = Run();
  EXPECT_EQ(pumped.result, PumpResult::kWaiting);
  EXPECT_EQ(pumped.received_bytes, 5u);
  EXPECT_EQ(pumped.sent_bytes, 5u);
  EXPECT_EQ(ReadSink(), "hello");
}

TEST_F(PumpTest, KeepsExactlyWhatTheDestinationDidNotTakeAndReadsNoMore) {
  FillSink();
  Write("first");
  Run();
  EXPECT_EQ(direction_.kept_bytes, 5u);
  EXPECT_FALSE(to_.writable);
  Write("second");
  from_.readable = true;
  EXPECT_EQ(Run().received_bytes, 0u);
  while (!ReadSink().empty()) {
  }
  to_.writable = true;
  Run();
  EXPECT_EQ(direction_.kept, nullptr);
  EXPECT_EQ(ReadSink(), "firstsecond");
}

TEST_F(PumpTest, TheFinFollowsTheLastByte) {
  FillSink();
  Write("end");
  shutdown(source_.get(), SHUT_WR);
  from_.read_to_end = true;
  EXPECT_EQ(Run().result, PumpResult::kWaiting);
  EXPECT_FALSE(direction_.ended);
  while (!ReadSink().empty()) {
  }
  to_.writable = true;
  EXPECT_EQ(Run().result, PumpResult::kEnded);
  EXPECT_TRUE(direction_.ended);
  EXPECT_EQ(ReadSink(), "end");
  EXPECT_EQ(recv(sink_.get(), scratch_.data(), 1, 0), 0);
  EXPECT_EQ(Run().result, PumpResult::kEnded);
}

TEST_F(PumpTest, TheLastDirectionLeavesTheFinToClose) {
  shutdown(source_.get(), SHUT_WR);
  EXPECT_EQ(Run(true).result, PumpResult::kEnded);
  EXPECT_EQ(recv(sink_.get(), scratch_.data(), 1, 0), -1);  // Would block: no FIN yet.
}

TEST_F(PumpTest, AFinOfAFailedSideIsNoFin) {
  shutdown(source_.get(), SHUT_WR);
  from_.reset = true;  // As an event, or a send the other way, found out.
  EXPECT_EQ(Run().result, PumpResult::kReset);
  EXPECT_FALSE(direction_.ended);
}

TEST_F(PumpTest, AFailedSideIsReadToItsEndFirst) {
  Write("last words");
  source_.Reset();
  from_.reset = from_.read_to_end = true;
  const Pumped pumped = Run();
  EXPECT_EQ(pumped.result, PumpResult::kReset);
  EXPECT_EQ(ReadSink(), "last words");
}

TEST_F(PumpTest, ADestinationThatIsGoneIsAReset) {
  sink_.Reset();
  Write("x");
  EXPECT_EQ(Run().result, PumpResult::kReset);
  EXPECT_TRUE(to_.reset);
}

TEST_F(PumpTest, OneRunMovesABoundedAmountAndAsksForAnother) {
  // Both pairs hold more than one run may move.
  constexpr size_t kTotal = 2 * kMaxPumpRounds * kScratchBytes;
  const int size = 4 * kTotal;
  for (const int fd : {source_.get(), to_.fd.get()})
    LB_CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  size_t written = 0;
  const std::string chunk(kScratchBytes, 'c');
  while (written < kTotal && send(source_.get(), chunk.data(), chunk.size(), 0) > 0)
    written += chunk.size();
  if (written <= kMaxPumpRounds * kScratchBytes) GTEST_SKIP() << "small socket buffers here";
  const Pumped pumped = Run();
  EXPECT_EQ(pumped.result, PumpResult::kAgain);
  EXPECT_EQ(pumped.received_bytes, kMaxPumpRounds * kScratchBytes);
}

}  // namespace
}  // namespace lb::dataplane
