// The file is replaced whole, keeps what it was to others, and nobody's edit is lost.
#include "controlplane/shell/config_writer.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "controlplane/shell/config_reader.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

namespace fs = std::filesystem;
using Code = absl::StatusCode;

class ConfigWriterTest : public testing::Test {
 protected:
  ConfigWriterTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Put("old");
  }

  void Put(const std::string& text) const { std::ofstream(file_) << text; }

  std::string Get() const {
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

  std::string Digest() const { return ReadConfigFile(file_.string()).digest; }

  absl::StatusCode Write(const std::string& text, const std::string& digest) const {
    return ReplaceConfigFile(file_.string(), text, digest).code();
  }

  size_t Files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "config_writer_test";
  const fs::path file_ = folder_ / "lb.yaml";
};

TEST_F(ConfigWriterTest, TheFileIsReplacedAndKeepsItsMode) {
  ::chmod(file_.c_str(), 0644);
  EXPECT_EQ(Write("new", Digest()), Code::kOk);
  EXPECT_EQ(Get(), "new");
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0644u);
  EXPECT_EQ(Files(), 1u);
}

TEST_F(ConfigWriterTest, AnEditThatWasNotSeenStays) {
  const std::string seen = Digest();
  Put("by hand");
  EXPECT_EQ(Write("new", seen), Code::kAborted);
  EXPECT_EQ(Get(), "by hand");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(ConfigWriterTest, ALinkIsFollowedAndStays) {
  const fs::path link = folder_ / "link.yaml";
  fs::create_symlink("lb.yaml", link);
  EXPECT_EQ(ReplaceConfigFile(link.string(), "new", Digest()).code(), Code::kOk);
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(Get(), "new");
}

TEST_F(ConfigWriterTest, AMissingFileIsMade) {
  const std::string seen = ReadConfigFile((folder_ / "other").string()).digest;
  EXPECT_EQ(ReplaceConfigFile((folder_ / "other").string(), "new", seen).code(), Code::kOk);
}

TEST_F(ConfigWriterTest, AVolumeOfKubernetesIsReadOnly) {
  fs::create_symlink(".", folder_ / "..data");
  const absl::Status status = ReplaceConfigFile(file_.string(), "new", Digest());
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_NE(status.message().find("ConfigMap"), std::string::npos) << status;
  EXPECT_EQ(Get(), "old");
}

TEST_F(ConfigWriterTest, LeftoversOfAKilledProcessDoNotMatter) {
  std::ofstream(folder_ / ".lb.yaml.new") << "half";
  EXPECT_EQ(Write("new", Digest()), Code::kOk);
  EXPECT_EQ(Get(), "new");
  EXPECT_EQ(Files(), 1u);
}

// Another writer that replaces the file by a rename all the time: each of its writes and of ours is
// either in the file at the end of its turn or refused, and never gone unseen.
TEST_F(ConfigWriterTest, ARacingRenameIsNeverLost) {
  for (int round = 0; round < 200; ++round) {
    Put("old");
    const std::string seen = Digest();
    std::thread other([&] {
      std::ofstream(folder_ / "theirs") << "theirs";
      fs::rename(folder_ / "theirs", file_);
    });
    Write("ours", seen);
    other.join();
    // Theirs came last, or was found and kept.
    ASSERT_EQ(Get(), "theirs") << round;
  }
}

}  // namespace
}  // namespace lb::controlplane
