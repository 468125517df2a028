// Goal: what is wrong with a set of TLS files is seen. Method: real files, made by `lbctl tls`.

#include "cli/check/certificate_facts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "cli/tls_generate.h"

namespace lb::cli {
namespace {

constexpr WallTime kMade{std::chrono::seconds(1'800'000'000)};
constexpr int64_t kMadeS = 1'800'000'000;
constexpr int64_t kDayS = 86'400;

class CertificateFactsTest : public testing::Test {
 protected:
  CertificateFactsTest() {
    folder_ = testing::TempDir() + "pki-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    MakeAuthority(folder_);
    Make("operator", "me", {});
    Make("server", "a", {"lb.example.net", "10.0.0.1", "::1"});
  }
  ~CertificateFactsTest() override { std::filesystem::remove_all(folder_); }

  static void MakeAuthority(const std::string& folder) {
    TlsOptions options;
    options.folder = folder;
    options.cluster = "prod";
    ASSERT_TRUE(RunGenerateCa(options, kMade).ok());
  }
  void Make(const std::string& role, const std::string& name, std::vector<std::string> sans) const {
    TlsOptions options;
    options.folder = folder_;
    options.cluster = "prod";
    options.role = role;
    options.name = name;
    options.sans = std::move(sans);
    ASSERT_TRUE(RunGenerateCert(options, kMade).ok());
  }
  TlsPaths Paths(const std::string& base) const {
    return {folder_ + "/ca.crt", folder_ + "/" + base + ".crt", folder_ + "/" + base + ".key"};
  }

  std::string folder_;
};

TEST_F(CertificateFactsTest, GoodFilesSayWhoAndHowLong) {
  const CertificateFacts me = ReadCertificateFacts("lbctl", Paths("operator-me"));
  EXPECT_EQ(me.error, "");
  EXPECT_EQ(me.chain_error, "") << "whatever time it is";
  EXPECT_TRUE(me.key_matches);
  EXPECT_EQ(me.key_mode, 0600u);
  EXPECT_LE(me.not_before_s, kMadeS);
  EXPECT_NEAR(static_cast<double>(me.not_after_s - kMadeS), kCertificateDays * kDayS, kDayS);
  EXPECT_NEAR(static_cast<double>(me.ca_not_after_s - kMadeS), kAuthorityDays * kDayS, kDayS);
  EXPECT_EQ(me.names, std::vector<std::string>{"URI:spiffe://prod/operator/me"});
  EXPECT_EQ(ReadCertificateFacts("x", Paths("server-a")).names,
            (std::vector<std::string>{"DNS:lb.example.net", "IP:10.0.0.1", "IP:::1"}));
}

TEST_F(CertificateFactsTest, AnotherKeyAndAnotherAuthorityAreSeen) {
  TlsPaths mixed = Paths("operator-me");
  mixed.key = Paths("server-a").key;
  EXPECT_FALSE(ReadCertificateFacts("lbctl", mixed).key_matches);
  TlsPaths foreign = Paths("operator-me");
  MakeAuthority(folder_ + "/other");
  foreign.ca = folder_ + "/other/ca.crt";
  EXPECT_NE(ReadCertificateFacts("lbctl", foreign).chain_error, "");
}

TEST_F(CertificateFactsTest, AnOpenKeyIsSeen) {
  ASSERT_EQ(::chmod(Paths("operator-me").key.c_str(), 0644), 0);
  EXPECT_EQ(ReadCertificateFacts("lbctl", Paths("operator-me")).key_mode, 0644u);
}

TEST_F(CertificateFactsTest, FilesOfNoUseAreNamedAndNotQuoted) {
  TlsPaths paths = Paths("operator-me");
  paths.ca = folder_ + "/none";
  EXPECT_NE(ReadCertificateFacts("lbctl", paths).error.find("/none: No such file"),
            std::string::npos);
  paths = Paths("operator-me");
  std::ofstream(paths.key) << "hunter2";
  const std::string error = ReadCertificateFacts("lbctl", paths).error;
  EXPECT_NE(error.find("holds no private key"), std::string::npos) << error;
  EXPECT_EQ(error.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace lb::cli
