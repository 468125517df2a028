// One command for several names: what is said of each, where, and the exit code of all together.
#include <grpcpp/support/status_code_enum.h>

#include <boost/json.hpp>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LbctlSeveralTest : public LbctlTest {
 protected:
  void Fail(int code, const std::string& reason) {
    server_->Set(fakes::AdminServer::Fault{code, "it went wrong", reason, false, false});
  }
};

TEST_F(LbctlSeveralTest, SomeOfSeveralBackendsThatFailAreExitCode7) {
  const ProcessResult result = Run({"backend", "maint", "web/web-1", "web/nope", "web/web-2"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_TRUE(Has(result.out, "web/web-1 is in maintenance")) << result.out;
  EXPECT_TRUE(Has(result.out, "web/web-2 is in maintenance")) << result.out;
  EXPECT_TRUE(Has(result.err, "rules/web/backends/nope")) << result.err;
  EXPECT_EQ(Run({"backend", "maint", "web/nope"}).exit_code, 3);
  EXPECT_EQ(Run({"backend", "maint", "web/nope", "web/none"}).exit_code, 3);
  const ProcessResult in_json = Run({"backend", "maint", "web/web-1", "web/nope", "-o", "json"});
  EXPECT_EQ(in_json.exit_code, 7);
  EXPECT_EQ(json::parse(in_json.err).at("exitCode"), 3) << in_json.err;
  const json::value list = json::parse(in_json.out);
  EXPECT_EQ(list.at("kind"), "BackendList");
  EXPECT_EQ(list.at("items").at(0).at("name"), "rules/web/backends/web-1");
  EXPECT_EQ(list.at("errors").at(0).at("name"), "rules/web/backends/nope");
}

// Goal: a script that reads stdout sees what became of each name, also when it became nothing of
// any.
TEST_F(LbctlSeveralTest, SeveralNamesThatAllFailAreAListToo) {
  const std::vector<std::string> names = {"rules/nope/backends/x", "rules/nope/backends/y"};
  const auto errors_of = [&](const std::vector<std::string>& args, int exit_code) {
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const json::value list = json::parse(result.out);
    EXPECT_EQ(list.at("kind"), "BackendList");
    EXPECT_TRUE(list.at("items").as_array().empty());
    const json::array errors = list.at("errors").as_array();
    EXPECT_EQ(errors.size(), names.size());
    for (size_t i = 0; i < errors.size(); ++i)
      EXPECT_EQ(errors[i].at("name"), json::value(names.at(i)));
    return errors;
  };
  const std::vector<std::string> maint = {"backend", "maint", "nope/x", "nope/y", "-o", "json"};
  EXPECT_EQ(errors_of(maint, 3).at(1).at("code"), "NOT_FOUND");
  EXPECT_TRUE(Has(Run({"backend", "maint", "nope/x", "nope/y", "-o", "yaml"}).out, "errors:"));
  // The second one is not tried, and says so.
  Fail(grpc::StatusCode::PERMISSION_DENIED, "ROLE_MISSING");
  const json::value skipped = errors_of(maint, 5).at(1);
  EXPECT_EQ(skipped.at("code"), "PERMISSION_DENIED");
  EXPECT_TRUE(Has(skipped.at("message").as_string().c_str(), "not tried: it went wrong"));
  Fail(grpc::StatusCode::UNAVAILABLE, "STOPPING");
  EXPECT_EQ(errors_of(maint, 4).at(1).at("code"), "UNAVAILABLE");
}

TEST_F(LbctlSeveralTest, SeveralNamesOfAServerThatIsGoneAreOneFailure) {
  server_.reset();
  const ProcessResult result = Run({"backend", "maint", "web/web-1", "web/web-2"});
  EXPECT_EQ(result.exit_code, 4);
}

TEST_F(LbctlSeveralTest, AServerThatHangsIsAskedForTheFirstOfSeveralNamesOnly) {
  server_->Set(fakes::AdminServer::Fault{0, "", "", true, false});
  const ProcessResult result =
      Run({"--timeout", "300ms", "backend", "maint", "web/web-1", "web/web-2", "api/api-1"});
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_EQ(server_->seen().maintains.size(), 1u);
}

}  // namespace
}  // namespace lb::cli
