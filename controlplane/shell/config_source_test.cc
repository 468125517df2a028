#include "controlplane/shell/config_source.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::string Yaml(const std::string& rule) {
  return "rules:\n  - name: \"" + rule +
         "\"\n    listen: \"127.0.0.1:8080\"\n    backends: [\"127.0.0.1:8081\"]\n";
}

void Write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

class ConfigSourceTest : public testing::Test {
 protected:
  ConfigSourceTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  // A source without its slow poll, so that only what it watches can wake it.
  void Start(const fs::path& path, std::chrono::milliseconds poll = std::chrono::hours(1)) {
    ConfigSource::Options options;
    options.path = path.string();
    options.digest = ReadConfigFile(path.string()).digest;
    options.quiet = milliseconds(50);
    options.poll = poll;
    source_.emplace(loop_.io(), options, loop_.sink());
    source_->Start();
  }

  bool ReadsAre(size_t count) {
    return loop_.RunUntil([&] { return loop_.Of<ConfigRead>().size() >= count; });
  }

  std::string LastRule() const {
    const ConfigRead read = loop_.Of<ConfigRead>().back();
    return read.config ? read.config->rules.at(0).name : "";
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "config_source_test";
  const fs::path file_ = folder_ / "lb.yaml";
  TestLoop loop_;
  std::optional<ConfigSource> source_;
};

TEST_F(ConfigSourceTest, AFileWrittenInPlaceIsReadOnceWhenItsWriterIsDone) {
  Write(file_, Yaml("one"));
  Start(file_);
  source_->Reload();  // Its end shows that the first look at the file is over.
  ASSERT_TRUE(ReadsAre(1));
  std::ofstream writer(file_);
  writer << Yaml("two").substr(0, 20) << std::flush;
  loop_.RunFor(milliseconds(300));  // Longer than the quiet time: the writer still has it open.
  EXPECT_EQ(loop_.Of<ConfigRead>().size(), 1u);
  writer << Yaml("two").substr(20);
  writer.close();
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(LastRule(), "two");
}

TEST_F(ConfigSourceTest, ARenameOverTheFileIsSeen) {
  Write(file_, Yaml("one"));
  Start(file_);
  Write(folder_ / "lb.yaml.tmp", Yaml("two"));
  fs::rename(folder_ / "lb.yaml.tmp", file_);
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(LastRule(), "two");
}

TEST_F(ConfigSourceTest, KubernetesSwapOfItsDataLinkIsSeen) {
  fs::create_directories(folder_ / "..1");
  fs::create_directories(folder_ / "..2");
  Write(folder_ / "..1/lb.yaml", Yaml("one"));
  Write(folder_ / "..2/lb.yaml", Yaml("two"));
  fs::create_symlink("..1", folder_ / "..data");
  fs::create_symlink("..data/lb.yaml", file_);
  Start(file_);
  fs::create_symlink("..2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  fs::remove_all(folder_ / "..1");
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(LastRule(), "two");
}

TEST_F(ConfigSourceTest, ALinkIntoAnotherFolderIsFollowed) {
  fs::create_directories(folder_ / "elsewhere");
  Write(folder_ / "elsewhere/real.yaml", Yaml("one"));
  fs::create_symlink("elsewhere/real.yaml", file_);
  Start(file_);
  Write(folder_ / "elsewhere/real.yaml", Yaml("two"));
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(LastRule(), "two");
}

TEST_F(ConfigSourceTest, TheSameBytesAreNoNewsUnlessAskedFor) {
  Write(file_, Yaml("one"));
  Start(file_);
  Write(file_, Yaml("one"));
  loop_.RunFor(milliseconds(300));
  EXPECT_TRUE(loop_.Of<ConfigRead>().empty());
  source_->Reload();
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(LastRule(), "one");
}

TEST_F(ConfigSourceTest, ThePollFindsWhatTheWatchMissed) {
  fs::create_directories(folder_ / "a");
  Write(folder_ / "a/lb.yaml", Yaml("one"));
  Start(folder_ / "a/lb.yaml", milliseconds(50));
  fs::rename(folder_ / "a", folder_ / "b");
  fs::create_directories(folder_ / "a");
  Write(folder_ / "a/lb.yaml", Yaml("two"));
  ASSERT_TRUE(
      loop_.RunUntil([&] { return !loop_.Of<ConfigRead>().empty() && LastRule() == "two"; }));
}

TEST_F(ConfigSourceTest, ARemovedFileAFolderAndAFifoAreFindings) {
  Write(file_, Yaml("one"));
  Start(file_);
  fs::remove(file_);
  ASSERT_TRUE(ReadsAre(1));
  fs::create_directory(file_);
  ASSERT_TRUE(ReadsAre(2));
  fs::remove(file_);
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  ASSERT_TRUE(loop_.RunUntil([&] {
    const auto reads = loop_.Of<ConfigRead>();
    return reads.back().findings.at(0).message.find("not a regular file") != std::string::npos;
  }));
  for (const ConfigRead& read : loop_.Of<ConfigRead>()) {
    EXPECT_FALSE(read.config.has_value());
    EXPECT_EQ(read.findings_total, 1u);
    EXPECT_EQ(read.findings.at(0).code, "LB0113");
  }
}

TEST_F(ConfigSourceTest, KeysOfTheClusterAreFollowed) {
  const fs::path keys = folder_ / "tls" / "cluster.keys";
  fs::create_directories(keys.parent_path());
  Write(keys, "AAECAwQFBgcICQoLDA0ODw==\n");
  Write(file_,
        Yaml("one") + "cluster: {bind_addr: '127.0.0.1:7946', key_file: " + keys.string() + "}\n");
  Start(file_);
  source_->Reload();
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(loop_.Of<ConfigRead>().back().config->cluster->keys.size(), 1u);
  std::ofstream(keys, std::ios::app) << "AQECAwQFBgcICQoLDA0ODw==\n";
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(loop_.Of<ConfigRead>().back().config->cluster->keys.size(), 2u);
  Write(keys, "nothing\n");
  ASSERT_TRUE(ReadsAre(3));
  EXPECT_EQ(loop_.Of<ConfigRead>().back().findings.at(0).code, "LB0117");
  EXPECT_FALSE(loop_.Of<ConfigRead>().back().config.has_value());
}

TEST_F(ConfigSourceTest, AHugeFileIsOneFindingAndReadNoFurtherThanTheLimit) {
  Write(file_, "");
  fs::resize_file(file_, 1u << 30);
  const ConfigFileRead file = ReadConfigFile(file_.string());
  EXPECT_EQ(file.text.size(), kMaxConfigBytes + 1);
  EXPECT_EQ(LoadConfigFile(file).findings_total, 1u);
}

}  // namespace
}  // namespace lb::controlplane
