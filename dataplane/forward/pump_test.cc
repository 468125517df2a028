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
  Pumped Run(bool last = false) { return Pump(direction_, from_, to_, last, tools_, Instant{}); }
  size_t InPipe() const { return direction_.pipe == nullptr ? 0 : direction_.pipe->bytes; }

  UniqueFd source_;
  UniqueFd sink_;
  Side from_{nullptr};
  Side to_{nullptr};
  Direction direction_;
  RelayTools tools_{1};
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
  EXPECT_EQ(recv(sink_.get(), tools_.scratch.get(), 1, 0), 0);
  EXPECT_EQ(Run().result, PumpResult::kEnded);
}

// recv(2) stops short only at the end of what came, so with the FIN known no further read is
// needed.
TEST_F(PumpTest, AShortReadOfAnEndedSourceIsTheLastOne) {
  Write("bye");
  shutdown(source_.get(), SHUT_WR);
  from_.Note(EPOLLIN | EPOLLRDHUP);
  const Pumped pumped = Run();
  EXPECT_EQ(pumped.result, PumpResult::kEnded);
  EXPECT_TRUE(from_.readable);  // Nobody had to find out.
  EXPECT_EQ(ReadSink(), "bye");
  EXPECT_EQ(recv(sink_.get(), tools_.scratch.get(), 1, 0), 0);
}

TEST_F(PumpTest, WhereReadsStopShortTheEndIsReadToo) {
  Write("bye");
  shutdown(source_.get(), SHUT_WR);
  from_.NoteUnix();
  from_.Note(EPOLLIN | EPOLLRDHUP);
  EXPECT_EQ(Run().result, PumpResult::kEnded);
  EXPECT_EQ(ReadSink(), "bye");
}

TEST_F(PumpTest, TheLastDirectionLeavesTheFinToClose) {
  shutdown(source_.get(), SHUT_WR);
  EXPECT_EQ(Run(true).result, PumpResult::kEnded);
  EXPECT_EQ(recv(sink_.get(), tools_.scratch.get(), 1, 0), -1);  // Would block: no FIN yet.
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

// A full read shows a bulk transfer, a small piece of it that it is over.
TEST_F(PumpTest, BulkIsSplicedUntilItIsChatty) {
  const std::string bulk(3 * kScratchBytes, 'b');
  Write(bulk);
  EXPECT_EQ(Run().sent_bytes, bulk.size());
  EXPECT_TRUE(direction_.bulk);
  EXPECT_EQ(tools_.pipes.open(), 1u);
  EXPECT_EQ(direction_.pipe, nullptr);  // Nothing is stuck: others may have it.
  EXPECT_EQ(ReadSink(), bulk);
  Write("chat");
  from_.readable = true;
  EXPECT_EQ(Run().sent_bytes, 4u);
  EXPECT_FALSE(direction_.bulk);
  EXPECT_EQ(ReadSink(), "chat");
}

TEST_F(PumpTest, WhatIsStuckInThePipeHoldsTheWriterUpAndComesFirst) {
  const std::string first(kScratchBytes, '1');
  Write(first);
  EXPECT_EQ(Run().sent_bytes, first.size());
  FillSink();
  const std::string second(kScratchBytes, '2');
  Write(second);
  from_.readable = true;
  EXPECT_EQ(Run().result, PumpResult::kWaiting);
  EXPECT_EQ(InPipe(), second.size());
  EXPECT_FALSE(to_.writable);
  Write("third");
  from_.readable = true;
  EXPECT_EQ(Run().received_bytes, 0u);
  std::string seen;
  for (std::string data = ReadSink(); !data.empty(); data = ReadSink()) seen += data;
  to_.writable = true;
  Run();
  EXPECT_EQ(InPipe(), 0u);
  EXPECT_EQ(direction_.pipe, nullptr);
  EXPECT_EQ(ReadSink(), second + "third");
}

TEST_F(PumpTest, TheFinFollowsWhatIsStuckInThePipe) {
  Write(std::string(kScratchBytes, '1'));
  Run();
  FillSink();
  Write(std::string(kScratchBytes, '2'));
  shutdown(source_.get(), SHUT_WR);
  from_.readable = from_.read_to_end = true;
  EXPECT_EQ(Run().result, PumpResult::kWaiting);
  EXPECT_FALSE(direction_.ended);
  while (!ReadSink().empty()) {
  }
  to_.writable = true;
  EXPECT_EQ(Run().result, PumpResult::kEnded);
  EXPECT_EQ(ReadSink(), std::string(kScratchBytes, '2'));
}

TEST_F(PumpTest, WithoutAPipeBulkIsCopied) {
  const std::unique_ptr<Pipe> lent = tools_.pipes.Borrow(Instant{});
  const std::string bulk(3 * kScratchBytes, 'b');
  Write(bulk);
  EXPECT_EQ(Run().sent_bytes, bulk.size());
  EXPECT_EQ(direction_.pipe, nullptr);
  EXPECT_EQ(ReadSink(), bulk);
}

TEST_F(PumpTest, APipeThatHoldsBytesIsNotLentAgain) {
  Write(std::string(kScratchBytes, '1'));
  Run();
  FillSink();
  Write(std::string(kScratchBytes, '2'));
  from_.readable = true;
  Run();
  ASSERT_NE(InPipe(), 0u);
  ReturnPipe(direction_, tools_);
  EXPECT_EQ(tools_.pipes.open(), 0u);
  EXPECT_EQ(tools_.pipes.Borrow(Instant{})->bytes, 0u);
}

// A server that refuses an upload answers, then resets: whoever meets the reset by writing must
// still read the answer.
TEST_F(PumpTest, WhatABrokenDestinationSaidBeforeIsStillToBeRead) {
  ASSERT_EQ(send(sink_.get(), "413", 3, 0), 3);
  sink_.Reset();
  to_.readable = false;  // Its event has not come yet.
  from_.writable = true;
  Write("upload");
  EXPECT_EQ(Run().result, PumpResult::kReset);
  EXPECT_TRUE(to_.readable);
  Direction back;
  const Pumped answer = Pump(back, to_, from_, false, tools_, Instant{});
  EXPECT_EQ(answer.received_bytes, 3u);
}

TEST_F(PumpTest, OneRunMovesABoundedAmountAndAsksForAnother) {
  // Both pairs hold more than one run may move.
  const std::unique_ptr<Pipe> lent = tools_.pipes.Borrow(Instant{});  // So it is copied.
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
