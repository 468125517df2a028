// The file is replaced whole, keeps what it was to others, and nobody's edit is lost.
#include "controlplane/shell/config_writer.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
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

  std::string Get(const std::string& name = "lb.yaml") const {
    std::ostringstream text;
    text << std::ifstream(folder_ / name).rdbuf();
    return text.str();
  }

  std::string Digest() const { return ReadConfigFile(file_.string()).digest; }

  absl::StatusCode Write(const std::string& text, const std::string& digest) const {
    return ReplaceConfigFile(file_.string(), text, digest).status().code();
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
  EXPECT_TRUE(ReplaceConfigFile(link.string(), "new", Digest()).ok());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(Get(), "new");
}

TEST_F(ConfigWriterTest, AMissingFileIsMade) {
  const std::string seen = ReadConfigFile((folder_ / "other").string()).digest;
  EXPECT_TRUE(ReplaceConfigFile((folder_ / "other").string(), "new", seen).ok());
}

TEST_F(ConfigWriterTest, AVolumeOfKubernetesIsReadOnly) {
  fs::create_symlink(".", folder_ / "..data");
  const absl::Status status = ReplaceConfigFile(file_.string(), "new", Digest()).status();
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

TEST_F(ConfigWriterTest, WhatWasRefusedIsKeptBesideWhenAskedFor) {
  ::chmod(file_.c_str(), 0600);
  ASSERT_TRUE(ReplaceConfigFile(file_.string(), "new", Digest(), true).ok());
  EXPECT_EQ(Get(), "new");
  EXPECT_EQ(Get("lb.yaml.refused"), "old");
  ASSERT_TRUE(ReplaceConfigFile(file_.string(), "newer", Digest(), true).ok());
  EXPECT_EQ(Get("lb.yaml.refused"), "new");
  EXPECT_EQ(fs::status(folder_ / "lb.yaml.refused").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(Files(), 2u);
}

// overlayfs and others know no exchange.
TEST_F(ConfigWriterTest, AFileSystemWithoutTheExchangeDoesTheSame) {
  WriterCalls calls;
  calls.rename = [](const char* from, const char* to, unsigned flags) {
    errno = EINVAL;
    return flags != 0 ? -1 : ::rename(from, to);
  };
  ASSERT_TRUE(ReplaceConfigFile(file_.string(), "new", Digest(), true, calls).ok());
  EXPECT_EQ(Get(), "new");
  EXPECT_EQ(Get("lb.yaml.refused"), "old");
  EXPECT_EQ(Files(), 2u);
}

TEST_F(ConfigWriterTest, AFileThatIsAMountOfItsOwnIsReadOnly) {
  WriterCalls calls;
  calls.rename = [](const char*, const char*, unsigned) {
    errno = EBUSY;
    return -1;
  };
  const absl::Status status =
      ReplaceConfigFile(file_.string(), "new", Digest(), false, calls).status();
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_NE(status.message().find("mount"), std::string::npos) << status;
  EXPECT_EQ(Get(), "old");
  EXPECT_EQ(Files(), 1u);
}

// It stands there and is in force: whoever takes it for refused would leave it unconfirmed.
TEST_F(ConfigWriterTest, AFolderThatCannotBeSyncedIsSaidOfAFileThatIsWritten) {
  WriterCalls calls;
  calls.sync_folder = [](const std::string&) { return absl::UnavailableError("no disk"); };
  const auto written = ReplaceConfigFile(file_.string(), "new", Digest(), false, calls);
  ASSERT_TRUE(written.ok());
  EXPECT_EQ(written->after.message(), "no disk");
  EXPECT_EQ(Get(), "new");
}

// Somebody's edit comes in between, and cannot be put back.
TEST_F(ConfigWriterTest, AnEditThatCannotBePutBackIsKept) {
  const std::string seen = Digest();
  int calls_made = 0;
  WriterCalls calls;
  calls.rename = [&](const char* from, const char* to, unsigned flags) {
    if (++calls_made == 1) Put("theirs");
    if (calls_made != 2) return WriterCalls::RenameFile(from, to, flags);
    errno = EIO;
    return -1;
  };
  const absl::Status status =
      ReplaceConfigFile(file_.string(), "ours", seen, false, calls).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("lb.yaml.refused"), std::string::npos) << status;
  EXPECT_EQ(Get("lb.yaml.refused"), "theirs");
  // The next apply leaves it alone.
  EXPECT_EQ(Write("next", Digest()), Code::kOk);
  EXPECT_EQ(Get("lb.yaml.refused"), "theirs");
}

TEST_F(ConfigWriterTest, AnEditOfAFileThatWentMeanwhileIsPutBack) {
  const std::string seen = Digest();
  int calls_made = 0;
  WriterCalls calls;
  calls.rename = [&](const char* from, const char* to, unsigned flags) {
    if (++calls_made == 1) Put("theirs");
    if (calls_made == 2) fs::remove(file_);
    return WriterCalls::RenameFile(from, to, flags);
  };
  EXPECT_EQ(ReplaceConfigFile(file_.string(), "ours", seen, false, calls).status().code(),
            Code::kAborted);
  EXPECT_EQ(Get(), "theirs");
}

// The mode is that of the file before there is anything to read.
TEST_F(ConfigWriterTest, NobodyReadsWhatTheFileHidesWhileItIsWritten) {
  ::chmod(file_.c_str(), 0600);
  fs::perms seen{};
  WriterCalls calls;
  calls.rename = [&](const char* from, const char* to, unsigned flags) {
    seen = fs::status(from).permissions();
    return WriterCalls::RenameFile(from, to, flags);
  };
  ASSERT_TRUE(ReplaceConfigFile(file_.string(), "new", Digest(), false, calls).ok());
  EXPECT_EQ(seen, fs::perms::owner_read | fs::perms::owner_write);
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
