#include "controlplane/shell/flags.h"

#include <filesystem>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

TEST(FlagsTest, DefaultsAreThePackagedPaths) {
  const Flags flags = ParseFlags({}).value().flags.value();
  EXPECT_EQ(flags.config, "/etc/lb/lb.yaml");
  EXPECT_EQ(flags.worker_api.at(0).ToString(), "unix:/run/lb/worker.sock");
  EXPECT_EQ(flags.admin_api.at(0).ToString(), "unix:/run/lb/admin.sock");
  EXPECT_EQ(flags.http.ToString(), "127.0.0.1:9903");
  EXPECT_EQ(flags.state_dir, "/var/lib/lb");
  EXPECT_FALSE(flags.node_id.empty());
  EXPECT_FALSE(flags.check_config);
}

TEST(FlagsTest, TakesEveryFlag) {
  const Flags flags =
      ParseFlags({"--config", "a.yaml", "--check-config", "--worker-api", "unix:/tmp/w",
                  "--admin-api=unix:/tmp/a", "--http", "127.0.0.1:0", "--state-dir", "/tmp/s",
                  "--node-id", "n1", "--log-level", "debug", "--log-format", "json"})
          .value()
          .flags.value();
  EXPECT_EQ(flags.config, "a.yaml");
  EXPECT_TRUE(flags.check_config);
  EXPECT_EQ(flags.worker_api.at(0).ToString(), "unix:/tmp/w");
  EXPECT_EQ(flags.admin_api.at(0).ToString(), "unix:/tmp/a");
  EXPECT_EQ(flags.node_id, "n1");
  EXPECT_EQ(flags.log_format, "json");
}

TEST(FlagsTest, TheFileIsKnownByItsWholePathToThoseInOtherFolders) {
  const Flags flags = ParseFlags({"--config", "./conf/../lb.yaml"}).value().flags.value();
  EXPECT_EQ(flags.config, (std::filesystem::current_path() / "lb.yaml").string());
}

TEST(FlagsTest, HelpAndVersionAreTexts) {
  EXPECT_FALSE(ParseFlags({"--help"}).value().flags.has_value());
  EXPECT_NE(ParseFlags({"--help"}).value().text.find("--check-config"), std::string::npos);
  EXPECT_NE(ParseFlags({"--version"}).value().text.find("lb-controlplane "), std::string::npos);
}

TEST(FlagsTest, TcpNeedsMutualTlsEvenOnLoopback) {
  for (const char* flag : {"--worker-api", "--admin-api"}) {
    const absl::Status status = ParseFlags({flag, "127.0.0.1:9901"}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_NE(status.message().find("needs mutual TLS, on loopback too: give --tls-ca"),
              absl::string_view::npos)
        << status;
    EXPECT_NE(status.message().find(flag), absl::string_view::npos);
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseFlags({"--tls-ca", "ca.pem"}).status()));
}

TEST(FlagsTest, AClusterIsANameAndNeedsCertificates) {
  const std::vector<std::string> tls{"--tls-ca", "ca", "--tls-cert", "c", "--tls-key", "k"};
  const auto with = [&](const std::string& cluster) {
    std::vector<std::string> all = tls;
    all.insert(all.end(), {"--tls-cluster", cluster});
    return ParseFlags(all);
  };
  EXPECT_EQ(with("prod-eu")->flags->tls_cluster, "prod-eu");
  EXPECT_TRUE(absl::IsInvalidArgument(with("spiffe://prod").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ParseFlags({"--tls-cluster", "prod"}).status()));
}

TEST(FlagsTest, AnApiListensOnSeveralAddresses) {
  const Flags flags =
      ParseFlags({"--admin-api", "unix:/tmp/a", "--admin-api", "127.0.0.1:9901", "--tls-ca",
                  "ca.pem", "--tls-cert", "c.pem", "--tls-key", "k.pem"})
          .value()
          .flags.value();
  ASSERT_EQ(flags.admin_api.size(), 2u);
  EXPECT_EQ(flags.admin_api[1].ToString(), "127.0.0.1:9901");
  EXPECT_EQ(flags.tls.key, "k.pem");
}

TEST(FlagsTest, NonsenseIsAnErrorThatNamesTheFlag) {
  for (const std::vector<std::string>& bad : {std::vector<std::string>{"--confg", "x"},
                                              {"--http", "nowhere"},
                                              {"--probe", "readyz"},
                                              {"--node-id", "a b"},
                                              {"--worker-api", "unix:/a", "--admin-api", "unix:/a"},
                                              {"extra"},
                                              {"--config"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseFlags(bad).status())) << bad[0];
  }
}

}  // namespace
}  // namespace lb::controlplane
