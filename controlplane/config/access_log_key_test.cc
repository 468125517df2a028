// The keys of the access log.
#include <string>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

LoadResult LoadWith(const std::string& top, const std::string& rule) {
  const TestSources sources;
  return Load(absl::StrCat(top, "rules:\n- name: a\n  listen: 127.0.0.1:1\n",
                           "  backends: ['127.0.0.1:2']\n", rule),
              sources.Get());
}

TEST(AccessLogKeyTest, IsOffByDefaultAndForAllRulesWhereItIsOn) {
  const LoadResult off = LoadWith("", "");
  ASSERT_TRUE(off.config.has_value());
  EXPECT_EQ(off.config->access_log, "");
  const LoadResult on = LoadWith("access_log: /var/log/lb/access.log\n", "");
  ASSERT_TRUE(on.config.has_value());
  EXPECT_EQ(on.config->access_log, "/var/log/lb/access.log");
  EXPECT_TRUE(on.config->rules[0].access_log);
  const LoadResult silent = LoadWith("access_log: stdout\n", "  access_log: false\n");
  ASSERT_TRUE(silent.config.has_value());
  EXPECT_FALSE(silent.config->rules[0].access_log);
}

TEST(AccessLogKeyTest, IsTurnedOffInWords) {
  for (const char* off : {"off", "false", "'off'"}) {
    const LoadResult result = LoadWith(absl::StrCat("access_log: ", off, "\n"), "");
    ASSERT_TRUE(result.config.has_value()) << off;
    EXPECT_EQ(result.findings_total, 0u) << off;
    EXPECT_EQ(result.config->access_log, "") << off;
  }
  EXPECT_FALSE(LoadWith("access_log: true\n", "").config.has_value());
}

TEST(AccessLogKeyTest, ARelativePathIsRefused) {
  const LoadResult result = LoadWith("access_log: access.log\n", "");
  EXPECT_FALSE(result.config.has_value());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].code, "LB0108");
  EXPECT_EQ(result.findings[0].field, "access_log");
  EXPECT_EQ(result.findings[0].message,
            "'access.log' is not off, stdout, stderr or an absolute path");
}

TEST(AccessLogKeyTest, TrueIsNoDestinationAndTheHintSaysWhatIs) {
  const LoadResult result = LoadWith("access_log: true\n", "");
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].hint, "write an absolute path, stdout or stderr");
}

TEST(AccessLogKeyTest, AFolderThatIsNotThereIsADoubt) {
  Sources sources;
  sources.has_folder = [](const std::string& path) { return path == "/var/log"; };
  const auto load = [&](const char* path) {
    return Load(absl::StrCat("access_log: ", path, "\nrules: [{name: a, listen: '127.0.0.1:1', ",
                             "backends: ['127.0.0.1:2']}]\n"),
                sources);
  };
  const LoadResult result = load("/var/log/lb/access.log");
  EXPECT_TRUE(result.config.has_value());
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].code, "LB0252");
  EXPECT_EQ(result.findings[0].message,
            "there is no folder '/var/log/lb' on this host: every line will be dropped");
  EXPECT_EQ(load("/var/log/access.log").findings_total, 0u);
  EXPECT_EQ(load("stdout").findings_total, 0u);
}

}  // namespace
}  // namespace lb::controlplane
