#include "dataplane/worker_flags.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

ParsedFlags Parse(std::initializer_list<const char*> flags) {
  std::vector<const char*> argv = {"lb-worker"};
  argv.insert(argv.end(), flags);
  return ParseFlags(static_cast<int>(argv.size()), argv.data());
}

// Expects a refusal with exit code 2 that says `what`.
void ExpectRefused(std::initializer_list<const char*> flags, const std::string& what) {
  const ParsedFlags parsed = Parse(flags);
  EXPECT_FALSE(parsed.run.has_value());
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_NE(parsed.output.find(what), std::string::npos) << parsed.output;
}

TEST(WorkerFlagsTest, DefaultsAreTheDocumentedPlaces) {
  const ParsedFlags parsed = Parse({});
  ASSERT_TRUE(parsed.run.has_value()) << parsed.output;
  EXPECT_EQ(parsed.run->control.ToString(), "unix:/run/lb/worker.sock");
  EXPECT_EQ(parsed.run->http.ToString(), "unix:/run/lb/worker-worker.http");
  EXPECT_EQ(parsed.run->drain_timeout, std::chrono::seconds(30));
  EXPECT_GE(parsed.run->threads, 1u);
}

TEST(WorkerFlagsTest, TheIdNamesTheHttpSocket) {
  const ParsedFlags parsed = Parse({"--id", "w-1.a_b"});
  ASSERT_TRUE(parsed.run.has_value()) << parsed.output;
  EXPECT_EQ(parsed.run->http.ToString(), "unix:/run/lb/worker-w-1.a_b.http");
}

TEST(WorkerFlagsTest, ATcpControlAddressIsRefusedForWantOfTls) {
  ExpectRefused({"--control", "127.0.0.1:9900"}, "mutual TLS");
  ExpectRefused({"--control", "plane.internal:9900"}, "mutual TLS");
}

TEST(WorkerFlagsTest, BadValuesAreNamed) {
  ExpectRefused({"--id", "a/b"}, "--id 'a/b'");
  ExpectRefused({"--id", ""}, "--id");
  ExpectRefused({"--id", std::string(64, 'a').c_str()}, "1 to 63");
  ExpectRefused({"--threads", "257"}, "--threads 257");
  ExpectRefused({"--threads", "-1"}, "--threads -1");
  ExpectRefused({"--threads", "many"}, "--threads");
  ExpectRefused({"--max-connections", "-1"}, "--max-connections -1");
  ExpectRefused({"--drain-timeout", "30"}, "--drain-timeout '30'");
  ExpectRefused({"--drain-timeout", "999h"}, "--drain-timeout '999h'");
  ExpectRefused({"--min-drain", "1d"}, "--min-drain '1d'");
  ExpectRefused({"--when-replaced", "never"}, "--when-replaced 'never'");
  ExpectRefused({"--http", "localhost:80"}, "--http");
  ExpectRefused({"--http", "0.0.0.0:9904"}, "loopback");
  ExpectRefused({"--probe", "readyz"}, "--probe 'readyz'");
  ExpectRefused({"--nonsense"}, "--nonsense");
}

TEST(WorkerFlagsTest, HelpAndVersionExitWithZero) {
  const ParsedFlags help = Parse({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.output.find("--drain-timeout"), std::string::npos);
  const ParsedFlags version = Parse({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.output.rfind("lb-worker 0.", 0), 0u) << version.output;
}

TEST(WorkerFlagsTest, DrainTimeoutHasUnits) {
  EXPECT_EQ(Parse({"--drain-timeout", "2m"}).run->drain_timeout, std::chrono::seconds(120));
  EXPECT_EQ(Parse({}).run->min_drain, std::chrono::seconds(0));
  EXPECT_EQ(Parse({"--min-drain", "10s"}).run->min_drain, std::chrono::seconds(10));
  EXPECT_FALSE(Parse({}).run->wait_when_replaced);
  EXPECT_TRUE(Parse({"--when-replaced", "wait"}).run->wait_when_replaced);
  EXPECT_EQ(Parse({"--drain-timeout", "0s"}).run->drain_timeout, std::chrono::seconds(0));
}

}  // namespace
}  // namespace lb::dataplane
