// A worker's file, and another process that finds it.
#include "dataplane/control/snapshot_file.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/sha256.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/control/fake_traffic.h"
#include "dataplane/snapshot/state_registry.h"
#include "gtest/gtest.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr Instant kStart = Instant() + std::chrono::hours(1);
constexpr Instant kLater = kStart + SnapshotFile::kUsedAfter;

std::string MakeFolder(std::string name) { return ::mkdtemp(name.data()); }

// What a process has, without its sockets.
struct Process {
  explicit Process(const std::string& path) : file(path, keepsake, kStart) {}

  void Run(uint64_t revision) {
    const std::string bytes = lb::type::v1::Snapshot().SerializeAsString();
    SnapshotReceiver::Received received;
    received.version.set_epoch(1);
    received.version.set_revision(revision);
    received.version.set_digest(Sha256(bytes));
    received.total_bytes = bytes.size();
    received.bytes = bytes;
    EXPECT_TRUE(config.Offer(received).has_ack());
  }
  uint64_t revision() const { return config.running() ? config.running()->revision() : 0; }

  StateRegistry registry{1};
  FakeTraffic traffic;
  ConfigLane config{traffic, registry, [] { return kStart; }};
  Keepsake keepsake{config, registry};
  SnapshotFile file;
};

class SnapshotFileTest : public testing::Test {
 protected:
  ~SnapshotFileTest() override { fs::remove_all(folder_); }

  void Keep(uint64_t revision) {
    Process before(path_);
    before.Run(revision);
    before.file.Step(kStart);
  }
  // The revision of a process that starts now; 0: it has none.
  uint64_t Found(Instant now = kLater) {
    Process after(path_);
    after.file.Restore(now);
    return after.revision();
  }

  const std::string folder_ = MakeFolder("/dev/shm/lb-snapshot-XXXXXX");
  const std::string path_ = folder_ + "/worker-1.snapshot";
};

TEST_F(SnapshotFileTest, IsFoundByTheNextProcessOnceTheControlPlaneWasWaitedFor) {
  EXPECT_EQ(Found(), 0u);
  Keep(7);
  EXPECT_EQ(Found(kLater - std::chrono::milliseconds(1)), 0u);
  EXPECT_EQ(Found(), 7u);
}

TEST_F(SnapshotFileTest, NothingIsWrittenBeforeAConfigurationIsInForce) {
  Process process(path_);
  process.file.Step(kStart);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(SnapshotFileTest, IsWrittenAgainWhenSomethingChangedButNotAtEachChange) {
  Process process(path_);
  process.Run(1);
  process.file.Step(kStart);
  process.Run(2);
  process.file.Step(kStart + SnapshotFile::kInterval - std::chrono::milliseconds(1));
  EXPECT_EQ(Found(), 1u);
  process.file.Step(kStart + SnapshotFile::kInterval);
  EXPECT_EQ(Found(), 2u);
  fs::remove(path_);
  process.file.Step(kStart + 2 * SnapshotFile::kInterval);
  EXPECT_FALSE(fs::exists(path_));
  process.keepsake.Note([] {
    lb::worker::v1::ConnectResponse health;
    health.mutable_health();
    return health;
  }());
  process.file.Step(kStart + 2 * SnapshotFile::kInterval);
  EXPECT_EQ(Found(), 2u);
}

TEST_F(SnapshotFileTest, OnlyItsUserCanReadIt) {
  Keep(7);
  struct stat found {};
  ASSERT_EQ(::stat(path_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(SnapshotFileTest, OneThatOthersCanWriteIsNotUsed) {
  Keep(7);
  fs::permissions(path_, fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(Found(), 0u);
}

TEST_F(SnapshotFileTest, ALinkIsNotFollowed) {
  Keep(7);
  fs::rename(path_, folder_ + "/other");
  fs::create_symlink(folder_ + "/other", path_);
  EXPECT_EQ(Found(), 0u);
}

TEST_F(SnapshotFileTest, ADamagedOneIsNotUsed) {
  Keep(7);
  fs::resize_file(path_, fs::file_size(path_) - 1);
  EXPECT_EQ(Found(), 0u);
  std::ofstream(path_) << "no keepsake";
  EXPECT_EQ(Found(), 0u);
}

TEST_F(SnapshotFileTest, OneWithAnotherConfigurationThanItsDigestSaysIsNotUsed) {
  Process before(path_);
  SnapshotReceiver::Received received;
  received.version.set_epoch(1);
  received.version.set_revision(7);
  received.version.set_digest(Sha256("something else"));
  ASSERT_TRUE(before.config.Offer(received).has_ack());
  before.file.Step(kStart);
  EXPECT_EQ(Found(), 0u);
}

TEST_F(SnapshotFileTest, PrivateKeysAreNotWrittenToADisk) {
  const std::string on_disk = MakeFolder(std::string(std::getenv("TEST_TMPDIR")) + "/lb-XXXXXX");
  struct statfs found {};
  ASSERT_EQ(::statfs(on_disk.c_str(), &found), 0);
  if (found.f_type == TMPFS_MAGIC) GTEST_SKIP() << "this machine builds in memory";
  Process process(on_disk + "/worker-1.snapshot");
  process.Run(7);
  process.file.Step(kStart);
  EXPECT_TRUE(fs::is_empty(on_disk));
}

TEST(SnapshotPathTest, IsBesideTheWorkerApi) {
  EXPECT_EQ(SnapshotPath(Endpoint::Parse("unix:/run/lb/worker.sock").value(), "a"),
            "/run/lb/worker-a.snapshot");
  EXPECT_EQ(SnapshotPath(Endpoint::Parse("127.0.0.1:4443").value(), "a"),
            "/run/lb/worker-a.snapshot");
}

}  // namespace
}  // namespace lb::dataplane
