// lbctl when things go wrong, and what it refuses before it asks anybody.
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/unique_fd.h"
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

class LbctlErrorTest : public LbctlTest {};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A socket at `path` that listens, and never answers.
UniqueFd SilentSocket(const std::string& path, bool listening) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  LB_CHECK(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  if (listening) LB_CHECK(::listen(socket.get(), 8) == 0);
  return socket;
}

TEST_F(LbctlErrorTest, WithoutASocketItSaysWhereAndWhatToDo) {
  const std::string path = SocketPath("none.sock");
  const ProcessResult result = RunLbctl({"status", "-e", "unix:" + path});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Has(result.err, path)) << result.err;
  EXPECT_TRUE(Has(result.err, "no such file")) << result.err;
  EXPECT_TRUE(Has(result.err, "lb-controlplane")) << result.err;
}

TEST_F(LbctlErrorTest, ASocketNobodyListensOnIsRefused) {
  const UniqueFd socket = SilentSocket(SocketPath("dead.sock"), false);
  const ProcessResult result = RunLbctl({"status", "-e", "unix:" + SocketPath("dead.sock")});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_TRUE(Has(result.err, "refused")) << result.err;
}

TEST_F(LbctlErrorTest, ASocketThatNeverAnswersEndsAtTheTimeout) {
  const UniqueFd socket = SilentSocket(SocketPath("mute.sock"), true);
  const ProcessResult result =
      RunLbctl({"status", "-e", "unix:" + SocketPath("mute.sock"), "--timeout", "200ms"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_TRUE(Has(result.err, "did not answer within 200 ms")) << result.err;
}

TEST_F(LbctlErrorTest, ACallThatHangsEndsAtTheTimeout) {
  fakes::AdminServer::Fault fault;
  fault.hang = true;
  server_->Set(fault);
  const ProcessResult result = Run({"status", "--timeout", "300ms"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_TRUE(Has(result.err, "did not answer GetStatus within 300 ms")) << result.err;
}

TEST_F(LbctlErrorTest, TheFirstEndpointThatAnswersIsTaken) {
  EXPECT_EQ(RunLbctl({"status", "-e", "unix:" + SocketPath("none.sock"), "-e", server_->endpoint()})
                .exit_code,
            0);
  ProcessOptions options;
  options.env = {{"LBCTL_ENDPOINT", server_->endpoint()}};
  EXPECT_EQ(RunLbctl({"status"}, options).exit_code, 0);
}

TEST_F(LbctlErrorTest, TcpNeedsMutualTls) {
  const ProcessResult result = RunLbctl({"status", "-e", "127.0.0.1:9901"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(Has(result.err, "mutual TLS")) << result.err;
}

struct Mapping {
  int grpc_code;
  int exit_code;
};

TEST_F(LbctlErrorTest, ErrorsOfTheServerHaveTheirExitCodes) {
  for (const Mapping mapping : {Mapping{3, 2},
                                {5, 3},
                                {14, 4},
                                {4, 4},
                                {7, 5},
                                {16, 5},
                                {9, 6},
                                {10, 6},
                                {13, 70},
                                {12, 4}}) {
    fakes::AdminServer::Fault fault;
    fault.code = mapping.grpc_code;
    fault.message = "it\x1b[2J failed";
    fault.reason = "SOME_REASON";
    server_->Set(fault);
    const ProcessResult text = Run({"status"});
    EXPECT_EQ(text.exit_code, mapping.exit_code) << mapping.grpc_code << text.err;
    EXPECT_EQ(text.out, "");
    EXPECT_TRUE(Has(text.err, "SOME_REASON")) << text.err;
    EXPECT_EQ(text.err.find('\x1b'), std::string::npos);
    const ProcessResult as_json = Run({"status", "-o", "json"});
    EXPECT_EQ(as_json.exit_code, mapping.exit_code);
    EXPECT_EQ(as_json.out, "");
    EXPECT_EQ(json::parse(as_json.err).at("reason"), "SOME_REASON");
  }
}

TEST_F(LbctlErrorTest, WrongUseExitsWithTwoAndSuggests) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "a command is missing"},
      {{"statsu"}, "did you mean 'status'?"},
      {{"get", "bakends"}, "did you mean 'backends'?"},
      {{"get", "rules", "--timout", "1s"}, "did you mean '--timeout'?"},
      {{"get", "rules", "--timeout", "5"}, "has no unit"},
      {{"get", "rules", "--timeout"}, "--timeout needs a value"},
      {{"get", "rules", "-o", "yml"}, "did you mean 'yaml'?"},
      {{"get"}, "what to get is missing"},
      {{"status", "now"}, "unexpected 'now'"},
      {{"worker"}, "a command is missing"},
      {{"worker", "drian", "w"}, "did you mean 'drain'?"},
      {{"worker", "drain"}, "NAME is missing"},
      {{"worker", "drain", "worker-1"}, "--yes"},
      {{"config", "validate"}, "FILE is missing"},
      {{"version", "--client=maybe"}, "--client takes no value"},
      {{"drain", "web/a"}, "write: lbctl backend drain RULE/BACKEND"},
      {{"events"}, "lbctl watch events"},
      {{"apply", "-f", "lb.yaml"}, "write: lbctl apply FILE"},
      {{"backend", "maintenance", "web/a"}, "write: lbctl backend maint"},
      {{"get", "rules,backends"}, "one type at a time"},
      {{"status", "-o", "name"}, "-o name is for what has names"},
      {{"connections", "kill", "--yes"}, "say --all"},
  };
  for (const auto& [args, words] : cases) {
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 2) << words;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(Has(result.err, words)) << result.err;
  }
}

TEST_F(LbctlErrorTest, AFullDiskIsNotSuccess) {
  const std::string command =
      "cli/lbctl -e " + server_->endpoint() + " get rules >/dev/full 2>/dev/null";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 70);
}

TEST_F(LbctlErrorTest, HelpGoesToStdout) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"get", "-h"},
                                             {"config", "validate", "--help"},
                                             {"worker", "drain", "-h"}}) {
    const ProcessResult result = RunLbctl(args);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(Has(result.out, "Usage: lbctl")) << result.out;
    EXPECT_EQ(result.err, "");
  }
}

TEST_F(LbctlErrorTest, VersionsAreToldAndSkewIsWarnedOf) {
  EXPECT_TRUE(Has(RunLbctl({"--version"}).out, "lbctl "));
  EXPECT_EQ(RunLbctl({"version", "--client"}).exit_code, 0);
  fakes::AdminServer::Data data = ExampleData();
  data.workers[0].mutable_process()->set_version("0.0.9");
  server_->Set(data);
  const ProcessResult result = Run({"version", "-o", "json"});
  EXPECT_EQ(json::parse(result.out).at("workers").at(0).at("version"), "0.0.9");
  EXPECT_TRUE(Has(result.err, "worker-1 is 0.0.9")) << result.err;
  // The server of this test knows the services of the first release only.
  EXPECT_TRUE(Has(result.err,
                  "the control plane is older than lbctl and does not know EventService; what "
                  "needs it ends with exit code 4"))
      << result.err;
  data.workers[0].add_missing_features("log_level");
  server_->Set(data);
  EXPECT_TRUE(Has(Run({"version"}).err,
                  "worker-1 is older than the control plane and does not "
                  "know log_level"));
}

TEST_F(LbctlErrorTest, ValidateShowsEveryFindingOnStdout) {
  ProcessOptions options;
  options.input = "rules:\n  - name: web\n    lisen: 0.0.0.0:80\n";
  const ProcessResult text = RunLbctl({"config", "validate", "-"}, options);
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_EQ(text.err, "");
  EXPECT_TRUE(Has(text.out, "did you mean 'listen'?")) << text.out;
  const ProcessResult as_json = RunLbctl({"config", "validate", "-", "-o", "json"}, options);
  EXPECT_EQ(as_json.exit_code, 1);
  EXPECT_EQ(json::parse(as_json.out).at("valid"), false);
  const ProcessResult github = RunLbctl({"config", "validate", "-", "-o", "github"}, options);
  EXPECT_TRUE(Has(github.out, "::error file=stdin,line=3,col=5,title=LB0102::")) << github.out;
  const ProcessResult missing = RunLbctl({"config", "validate", SocketPath("none.yaml")});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(Has(missing.out, "No such file")) << missing.out;
}

TEST_F(LbctlErrorTest, MessagesHaveNoLooseEnds) {
  const ProcessResult format = RunLbctl({"config", "validate", "-", "-o", "yaml"});
  EXPECT_EQ(format.exit_code, 2);
  EXPECT_TRUE(Has(format.err, "text, json, github\n")) << format.err;
  const ProcessResult nobody = RunLbctl({"status", "-e", "unix:" + SocketPath("none.sock")});
  EXPECT_TRUE(Has(nobody.err, "running? Does")) << nobody.err;
  EXPECT_TRUE(Has(nobody.err, "\n  Name another one")) << nobody.err;
}

TEST_F(LbctlErrorTest, HelpIsACommandToo) {
  EXPECT_EQ(RunLbctl({"help"}).out, RunLbctl({"--help"}).out);
  const ProcessResult unknown = RunLbctl({"help", "foo"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_TRUE(Has(unknown.err, "unknown command 'foo'")) << unknown.err;
  EXPECT_TRUE(Has(RunLbctl({"help", "worker", "drian"}).err, "did you mean 'drain'?"));
  EXPECT_EQ(RunLbctl({"help", "worker", "drain"}).out, RunLbctl({"worker", "drain", "--help"}).out);
}

TEST_F(LbctlErrorTest, SchemaAndExplainNeedNoControlPlane) {
  const ProcessResult schema = RunLbctl({"config", "schema"});
  EXPECT_EQ(schema.exit_code, 0) << schema.err;
  EXPECT_TRUE(json::parse(schema.out).is_object());
  EXPECT_EQ(RunLbctl({"config", "schema", "--out", SocketPath("schema.json")}).exit_code, 0);
  EXPECT_EQ(RunLbctl({"config", "schema", "--out", "/nowhere/schema.json"}).exit_code, 2);
  const ProcessResult explained = RunLbctl({"config", "explain", "rules.listen"});
  EXPECT_EQ(explained.exit_code, 0) << explained.err;
  EXPECT_TRUE(Has(explained.out, "listen"));
  const std::string help = RunLbctl({"config", "explain", "--help"}).out;
  const size_t example = help.find("rules.");
  ASSERT_NE(example, std::string::npos) << help;
  const std::string path = help.substr(example, help.find_first_of("; \n", example) - example);
  EXPECT_EQ(RunLbctl({"config", "explain", path}).exit_code, 0) << path;
  const ProcessResult unknown = RunLbctl({"config", "explain", "rules[].lisen"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_TRUE(Has(unknown.err, "did you mean 'rules[].listen'?")) << unknown.err;
}

}  // namespace
}  // namespace lb::cli
