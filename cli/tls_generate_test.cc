#include "cli/tls_generate.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/tls_files.h"
#include "gtest/gtest.h"

namespace lb::cli {
namespace {

class TlsGenerateTest : public testing::Test {
 protected:
  TlsGenerateTest() {
    options_.folder = testing::TempDir() + "pki-XXXXXX";
    EXPECT_NE(::mkdtemp(options_.folder.data()), nullptr);
    options_.cluster = "prod";
  }
  ~TlsGenerateTest() override { std::filesystem::remove_all(options_.folder); }

  absl::Status Generate(const std::string& role, const std::string& name,
                        std::vector<std::string> sans = {}) {
    TlsOptions options = options_;
    options.role = role;
    options.name = name;
    options.sans = std::move(sans);
    return RunGenerateCert(options, ReadClocks().wall).status();
  }

  std::string Read(const std::string& name) const {
    std::ifstream file(options_.folder + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TlsOptions options_;
};

TEST_F(TlsGenerateTest, WhatItMakesIsWhatTheProgramsTake) {
  ASSERT_TRUE(RunGenerateCa(options_, ReadClocks().wall).ok());
  ASSERT_TRUE(Generate("server", "a", {"lb.example.net", "10.0.0.1", "::1"}).ok());
  ASSERT_TRUE(Generate("worker", "w-1").ok());
  for (const std::string base : {"server-a", "worker-w-1"}) {
    const std::string path = options_.folder + "/" + base;
    EXPECT_TRUE(ReadTlsFiles({options_.folder + "/ca.crt", path + ".crt", path + ".key"}).ok());
    struct stat info {};
    ASSERT_EQ(::stat((path + ".key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
}

TEST_F(TlsGenerateTest, NothingIsOverwrittenWithoutForce) {
  ASSERT_TRUE(RunGenerateCa(options_, ReadClocks().wall).ok());
  const std::string before = Read("ca.key");
  EXPECT_TRUE(absl::IsAlreadyExists(RunGenerateCa(options_, ReadClocks().wall).status()));
  EXPECT_EQ(Read("ca.key"), before);
  options_.force = true;
  ASSERT_TRUE(RunGenerateCa(options_, ReadClocks().wall).ok());
  EXPECT_NE(Read("ca.key"), before);
}

TEST_F(TlsGenerateTest, BadArgumentsAreNamed) {
  EXPECT_TRUE(absl::IsNotFound(Generate("admin", "x")));  // No authority yet.
  ASSERT_TRUE(RunGenerateCa(options_, ReadClocks().wall).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Generate("root", "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(Generate("admin", "a/b")));
  EXPECT_TRUE(absl::IsInvalidArgument(Generate("server", "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(Generate("server", "x", {"a,DNS:b"})));
}

}  // namespace
}  // namespace lb::cli
