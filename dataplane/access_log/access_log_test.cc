#include "dataplane/access_log/access_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "base/unique_fd.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t LinesOf(const std::string& path) {
  const std::string text = ReadFile(path);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

class AccessLogTest : public testing::Test {
 protected:
  static std::string Path(const std::string& name) {
    const std::string path = testing::TempDir() + "/" + name;
    std::remove(path.c_str());
    return path;
  }

  void Push(size_t count, size_t thread = 0) {
    for (size_t i = 0; i < count; ++i)
      log_.ring(thread).Push({.rule = rule_, .reason = "normal", .began_at = ReadClocks().steady});
  }

  // True once every one of `pushed` records was written or dropped.
  bool Settled(uint64_t pushed) {
    return Eventually([&] { return log_.lines() + log_.dropped() == pushed; });
  }

  const std::shared_ptr<const RuleTable> rule_ = std::make_shared<const RuleTable>();
  AccessLog log_{{.worker = "worker-1", .threads = 2}};
};

TEST_F(AccessLogTest, IsOffUntilItHasADestination) {
  EXPECT_FALSE(log_.ring(0).on());
  log_.SetDestination(Path("off"));
  EXPECT_TRUE(log_.ring(0).on() && log_.ring(1).on());
  log_.SetDestination("");
  EXPECT_FALSE(log_.ring(0).on() || log_.ring(1).on());
}

TEST_F(AccessLogTest, LinesOfEveryThreadGetIntoAFileThatIsNotForEverybody) {
  const std::string path = Path("lines");
  log_.SetDestination(path);
  Push(100, 0);
  Push(100, 1);
  ASSERT_TRUE(Settled(200));
  EXPECT_EQ(LinesOf(path), 200u);
  EXPECT_EQ(log_.dropped(), 0u);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137, 0u);
}

TEST_F(AccessLogTest, WhatWasLoggedBeforeAChangeStaysWhereItBelongs) {
  const std::string first = Path("first");
  const std::string second = Path("second");
  log_.SetDestination(first);
  Push(10);
  log_.SetDestination(second);
  ASSERT_TRUE(Settled(10));
  Push(5);
  ASSERT_TRUE(Settled(15));
  EXPECT_EQ(LinesOf(first), 10u);
  EXPECT_EQ(LinesOf(second), 5u);
}

TEST_F(AccessLogTest, AFileThatWasMovedIsMadeAnew) {
  const std::string path = Path("moved");
  log_.SetDestination(path);
  Push(1);
  ASSERT_TRUE(Settled(1));
  const std::string old = Path("moved.1");
  ASSERT_EQ(std::rename(path.c_str(), old.c_str()), 0);
  log_.Reopen();
  uint64_t pushed = 1;
  EXPECT_TRUE(Eventually([&] {
    Push(1);
    ++pushed;
    return LinesOf(path) > 0;
  }));
  ASSERT_TRUE(Settled(pushed));
  EXPECT_EQ(LinesOf(path) + LinesOf(old), pushed);
}

TEST_F(AccessLogTest, AMoveIsFoundWithoutBeingTold) {
  const std::string path = Path("found");
  log_.SetDestination(path);
  Push(1);
  ASSERT_TRUE(Settled(1));
  ASSERT_EQ(std::rename(path.c_str(), Path("found.1").c_str()), 0);
  EXPECT_TRUE(Eventually([&] {
    Push(1);
    return LinesOf(path) > 0;
  }));
}

// The disk that is full is the kernel's: full(4).
TEST_F(AccessLogTest, AFullDiskCostsLinesAndIsCounted) {
  log_.SetDestination("/dev/full");
  Push(100);
  ASSERT_TRUE(Settled(100));
  EXPECT_EQ(log_.dropped(), 100u);
}

TEST_F(AccessLogTest, AFolderThatIsNotThereCostsLinesUntilItIs) {
  const std::string folder = testing::TempDir() + "/later";
  const std::string path = folder + "/log";
  std::remove(path.c_str());
  rmdir(folder.c_str());
  log_.SetDestination(path);
  Push(10);
  ASSERT_TRUE(Settled(10));
  EXPECT_EQ(log_.dropped(), 10u);
  EXPECT_NE(log_.error().find(path), std::string::npos) << log_.error();
  ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  EXPECT_TRUE(Eventually([&] {
    Push(1);
    return LinesOf(path) > 0 && log_.error().empty();
  }));
}

// Goal: whoever pushes never waits, and whole lines go on where the reader does. Method: a FIFO
// that is open and not read, and more records than it, the writer and the ring have room for.
TEST_F(AccessLogTest, APipeThatNobodyReadsBlocksNobody) {
  const std::string path = Path("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader.valid());
  log_.SetDestination(path);
  constexpr uint64_t kPushed = 4 * RecordRing::kRecords;
  Push(kPushed);
  ASSERT_TRUE(Eventually([&] { return log_.dropped() > 0; }));
  std::string text;
  ASSERT_TRUE(Eventually([&] {
    char buffer[4096];
    for (ssize_t got; (got = read(reader.get(), buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(got));
    return log_.lines() + log_.dropped() == kPushed &&
           static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')) == log_.lines();
  }));
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_EQ(text.compare(at, 6, "{\"ts\":"), 0);
}

}  // namespace
}  // namespace lb::dataplane
