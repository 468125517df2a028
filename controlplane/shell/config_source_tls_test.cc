// How files of TLS are followed.
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/test_certificate.h"
#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/config_source.h"
#include "controlplane/shell/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;

int64_t NowS() {
  return std::chrono::duration_cast<std::chrono::seconds>(ReadClocks().wall.time_since_epoch())
      .count();
}

TestCertificate Fresh(const std::string& name) {
  return TestCertificate::Make(
      {.name = name, .begin_s = NowS() - 3'600, .end_s = NowS() + 90 * TestCertificate::kDayS});
}

void Write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

class ConfigSourceTlsTest : public testing::Test {
 protected:
  ConfigSourceTlsTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "tls");
    Write(file_,
          "rules:\n  - name: web\n    listen: \"127.0.0.1:8080\"\n"
          "    backends: [\"127.0.0.1:8081\"]\n    tls: {cert: " +
              cert_.string() + ", key: " + key_.string() + "}\n");
    Put(Fresh("one"));
    fs::permissions(key_, fs::perms::owner_read | fs::perms::owner_write);
  }

  void Put(const TestCertificate& certificate) {
    Write(cert_, certificate.CertPem());
    Write(key_, certificate.KeyPem());
  }

  void Start(milliseconds settle, milliseconds poll = std::chrono::hours(1)) {
    FileStamps stamps;
    const ConfigFileRead file = ReadConfigFile(file_.string());
    const ConfigRead in_force =
        LoadedFrom(file_.string(), file, {.at_start = true, .stamps = &stamps});
    ASSERT_TRUE(in_force.config);
    ConfigSource::Options options;
    options.path = file_.string();
    options.digest = file.digest;
    options.quiet = milliseconds(50);
    options.poll = poll;
    options.settle = settle;
    options.settle_look = milliseconds(50);
    source_.emplace(loop_.io(), options, loop_.sink());
    source_->Start(in_force, std::move(stamps));
  }

  bool ReadsAre(size_t count) {
    return loop_.RunUntil([&] { return loop_.Of<ConfigRead>().size() >= count; });
  }

  void Put(const std::string& name, const TestCertificate& certificate) {
    Write(folder_ / "tls" / (name + ".crt"), certificate.CertPem());
    Write(folder_ / "tls" / (name + ".key"), certificate.KeyPem());
  }

  // One more, with a pair of its own.
  void AddRule(const std::string& name) {
    Put(name, Fresh(name));
    const std::string path = (folder_ / "tls" / name).string();
    std::ofstream(file_, std::ios::app)
        << "  - name: " << name << "\n    listen: \"127.0.0.1:8082\"\n"
        << "    backends: [\"127.0.0.1:8081\"]\n    tls: {cert: " << path << ".crt, key: " << path
        << ".key}\n";
  }

  // Of the certificate in tls/NAME.crt, as it was read last.
  std::string SubjectOf(const std::string& name) const {
    const ConfigRead read = loop_.Of<ConfigRead>().back();
    if (!read.config || read.material == nullptr) return "";
    const std::string path = (folder_ / "tls" / name).string();
    return read.material->pairs.at({path + ".crt", path + ".key", ""}).facts.subject;
  }

  std::string SubjectOfLast() const { return SubjectOf("a"); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "config_source_tls_test";
  const fs::path file_ = folder_ / "lb.yaml";
  const fs::path cert_ = folder_ / "tls/a.crt";
  const fs::path key_ = folder_ / "tls/a.key";
  TestLoop loop_;
  std::optional<ConfigSource> source_;
};

TEST_F(ConfigSourceTlsTest, ARenewedPairIsReadWithoutAWordAboutTheTimeBetweenItsFiles) {
  Start(std::chrono::hours(1));
  const TestCertificate renewed = Fresh("two");
  Write(cert_, renewed.CertPem());
  loop_.RunFor(milliseconds(300));
  EXPECT_TRUE(loop_.Of<ConfigRead>().empty());
  Write(key_, renewed.KeyPem());
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(SubjectOfLast(), "CN=two");
  EXPECT_TRUE(loop_.Of<ConfigRead>().back().only_files);
}

TEST_F(ConfigSourceTlsTest, APairThatStaysBadIsToldOnceAndSoIsItsRepair) {
  Start(milliseconds(100));
  Write(key_, "nothing");
  ASSERT_TRUE(ReadsAre(1));
  const ConfigRead bad = loop_.Of<ConfigRead>().back();
  EXPECT_EQ(SubjectOfLast(), "CN=one");
  EXPECT_THAT(bad.bad_files.at(key_.string()), HasSubstr("no private key"));
  loop_.RunFor(milliseconds(300));
  EXPECT_EQ(loop_.Of<ConfigRead>().size(), 1u);
  Put(Fresh("three"));
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(SubjectOfLast(), "CN=three");
}

TEST_F(ConfigSourceTlsTest, ABadPairHoldsUpNeitherAnotherOneNorAnEdit) {
  AddRule("other");
  Start(milliseconds(100));
  Write(key_, "nothing");
  ASSERT_TRUE(ReadsAre(1));
  Put("other", Fresh("renewed"));
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(SubjectOf("other"), "CN=renewed");
  EXPECT_EQ(SubjectOfLast(), "CN=one");
  std::ofstream(file_, std::ios::app) << "# a remark\n";
  ASSERT_TRUE(ReadsAre(3));
  EXPECT_EQ(SubjectOfLast(), "CN=one");
  EXPECT_EQ(loop_.Of<ConfigRead>().back().bad_files.size(), 1u);
}

TEST_F(ConfigSourceTlsTest, ARuleThatIsLeftOutHoldsUpNoOtherOne) {
  AddRule("other");
  Write(folder_ / "tls/other.key", "nothing");
  Start(milliseconds(100));
  Put(Fresh("renewed"));
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(SubjectOfLast(), "CN=renewed");
  ASSERT_EQ(loop_.Of<ConfigRead>().back().left_out.size(), 1u);
  Put("other", Fresh("mended"));
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_TRUE(loop_.Of<ConfigRead>().back().left_out.empty());
  EXPECT_EQ(SubjectOf("other"), "CN=mended");
}

TEST_F(ConfigSourceTlsTest, TheOldPairPutBackIsToldToo) {
  Start(milliseconds(100));
  std::ifstream old_key(key_);
  const std::string text{std::istreambuf_iterator<char>(old_key), {}};
  fs::remove(key_);
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_FALSE(loop_.Of<ConfigRead>().back().bad_files.empty());
  Write(key_, text);
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(SubjectOfLast(), "CN=one");
  EXPECT_TRUE(loop_.Of<ConfigRead>().back().bad_files.empty());
}

TEST_F(ConfigSourceTlsTest, TheSameContentWrittenAgainIsNoNews) {
  Start(milliseconds(100));
  std::ifstream cert(cert_);
  const std::string text{std::istreambuf_iterator<char>(cert), {}};
  Write(cert_, text);
  loop_.RunFor(milliseconds(500));
  EXPECT_TRUE(loop_.Of<ConfigRead>().empty());
}

TEST_F(ConfigSourceTlsTest, ASwapOfKubernetesDataLinkRenewsBothFilesAtOnce) {
  for (const char* generation : {"..1", "..2"}) {
    const TestCertificate certificate = Fresh(generation);
    fs::create_directories(folder_ / "tls" / generation);
    Write(folder_ / "tls" / generation / "a.crt", certificate.CertPem());
    Write(folder_ / "tls" / generation / "a.key", certificate.KeyPem());
  }
  fs::remove(cert_);
  fs::remove(key_);
  fs::create_symlink("..1", folder_ / "tls/..data");
  fs::create_symlink("..data/a.crt", cert_);
  fs::create_symlink("..data/a.key", key_);
  Start(std::chrono::hours(1));
  fs::create_symlink("..2", folder_ / "tls/..tmp");
  fs::rename(folder_ / "tls/..tmp", folder_ / "tls/..data");
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(SubjectOfLast(), "CN=..2");
}

TEST_F(ConfigSourceTlsTest, ThePollFindsWhatTheWatchMissed) {
  Start(std::chrono::hours(1), milliseconds(50));
  fs::rename(folder_ / "tls", folder_ / "gone");
  fs::create_directories(folder_ / "tls");
  Put(Fresh("polled"));
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_EQ(SubjectOfLast(), "CN=polled");
}

TEST_F(ConfigSourceTlsTest, AnEditThatWasRefusedKeepsNoRenewalOut) {
  Start(milliseconds(100));
  std::ofstream(file_, std::ios::app) << "unknown: 1\n";
  ASSERT_TRUE(ReadsAre(1));
  EXPECT_FALSE(loop_.Of<ConfigRead>().back().config);
  Put(Fresh("renewed"));
  ASSERT_TRUE(ReadsAre(2));
  EXPECT_EQ(SubjectOfLast(), "CN=renewed");
  EXPECT_TRUE(loop_.Of<ConfigRead>().back().of_running);
}

TEST_F(ConfigSourceTlsTest, AKeyThatOthersMayReadIsTakenWithAWarning) {
  EXPECT_EQ(LoadedFrom(file_.string(), ReadConfigFile(file_.string())).findings_total, 0u);
  fs::permissions(key_, fs::perms::others_read, fs::perm_options::add);
  const ConfigRead read = LoadedFrom(file_.string(), ReadConfigFile(file_.string()));
  EXPECT_TRUE(read.config);
  ASSERT_EQ(read.findings_total, 1u);
  EXPECT_EQ(read.findings[0].code, "LB0246");
  EXPECT_EQ(read.findings[0].field, "rules[0].tls.key");
}

TEST_F(ConfigSourceTlsTest, WhatExpiredInForceHoldsUpNoOtherChange) {
  Put(TestCertificate::Make({.name = "old", .begin_s = 1, .end_s = 2}));
  Start(milliseconds(100));
  std::ofstream(file_, std::ios::app) << "# a remark\n";
  ASSERT_TRUE(ReadsAre(1));
  const ConfigRead read = loop_.Of<ConfigRead>().back();
  EXPECT_TRUE(read.config);
  ASSERT_EQ(read.findings_total, 1u);
  EXPECT_EQ(read.findings[0].severity, Finding::Severity::kWarning);
}

}  // namespace
}  // namespace lb::controlplane
