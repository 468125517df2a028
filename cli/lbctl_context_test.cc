// `lbctl context` and what a context does to every other command: flag, variable, context, default,
// in this order.
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LbctlContextTest : public LbctlTest {
 protected:
  // With a home of its own, and no endpoint.
  ProcessResult RunHere(const std::vector<std::string>& args,
                        std::map<std::string, std::string> env = {}) const {
    env.emplace("HOME", folder_);
    return RunLbctl(args, {std::move(env), ""});
  }

  std::string Path() const { return folder_ + "/.config/lb/lbctl.yaml"; }

  std::string Content() const {
    std::ifstream file(Path());
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  void Write(const std::string& path, const std::string& text) const {
    std::ofstream(path) << text;
  }
};

TEST_F(LbctlContextTest, AContextIsMadeChosenAndUsed) {
  EXPECT_EQ(RunHere({"status"}).exit_code, 4) << "the default endpoint, where nobody listens";
  const ProcessResult made = RunHere({"context", "set", "test", "--endpoint", server_->endpoint()});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_EQ(made.out, "context test is made\n");
  EXPECT_TRUE(Has(made.err, "lbctl context use test")) << made.err;
  EXPECT_EQ(RunHere({"--context", "test", "get", "rules", "-o", "name"}).out,
            "rules/api\nrules/web\n");
  EXPECT_EQ(RunHere({"status"}).exit_code, 4) << "it is not the current one yet";
  EXPECT_EQ(RunHere({"context", "use", "test"}).out, "context test is the current one\n");
  EXPECT_EQ(RunHere({"status"}).exit_code, 0);
  EXPECT_EQ(RunHere({"--context", "", "status"}).exit_code, 4) << "none, for once";
  const ProcessResult gone = RunHere({"context", "delete", "test"});
  EXPECT_EQ(gone.out, "context test is deleted\n");
  EXPECT_TRUE(Has(gone.err, "now there is none")) << gone.err;
  EXPECT_EQ(RunHere({"status"}).exit_code, 4);
}

TEST_F(LbctlContextTest, FlagThenVariableThenContextThenDefault) {
  const std::string dead = "unix:" + SocketPath("dead.sock");
  const std::string live = server_->endpoint();
  RunHere({"context", "set", "live", "--endpoint", live});
  RunHere({"context", "set", "dead", "--endpoint", dead});
  RunHere({"context", "use", "dead"});
  EXPECT_EQ(RunHere({"status"}).exit_code, 4);
  EXPECT_EQ(RunHere({"status"}, {{"LBCTL_CONTEXT", "live"}}).exit_code, 0);
  EXPECT_EQ(RunHere({"--context", "dead", "status"}, {{"LBCTL_CONTEXT", "live"}}).exit_code, 4);
  EXPECT_EQ(RunHere({"status"}, {{"LBCTL_ENDPOINT", live}}).exit_code, 0);
  EXPECT_EQ(RunHere({"-e", dead, "status"}, {{"LBCTL_ENDPOINT", live}}).exit_code, 4);
  EXPECT_EQ(RunHere({"-e", live, "--context", "dead", "status"}).exit_code, 0);
}

TEST_F(LbctlContextTest, ANamedContextThatIsOverriddenIsSaid) {
  RunHere({"context", "set", "prod", "--endpoint", "unix:" + SocketPath("dead.sock")});
  const std::map<std::string, std::string> env = {{"LBCTL_ENDPOINT", server_->endpoint()}};
  const ProcessResult result = RunHere({"--context", "prod", "status"}, env);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(Has(result.err, "LBCTL_ENDPOINT is set and stands before")) << result.err;
  EXPECT_EQ(RunHere({"-q", "--context", "prod", "status"}, env).err, "");
}

TEST_F(LbctlContextTest, TheFileIsTheOwnersAloneAndPathsAreWhole) {
  ASSERT_EQ(RunHere({"context", "set", "a", "--tls-ca", "pki/ca.crt", "--timeout", "2s"}).exit_code,
            0);
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((folder_ + "/.config/lb").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_TRUE(Has(Content(), "tls_ca: \"/")) << Content();
  EXPECT_TRUE(Has(Content(), "/pki/ca.crt\"")) << Content();
  EXPECT_EQ(RunHere({"context", "set", "a", "--tls-ca", ""}).out, "context a is changed\n");
  EXPECT_FALSE(Has(Content(), "tls_ca")) << Content();
  EXPECT_TRUE(Has(Content(), "timeout")) << Content();
}

TEST_F(LbctlContextTest, ShowTellsWhereEachSettingIsFrom) {
  Write(folder_ + "/f.yaml",
        "current_context: p\ncontexts: {p: {endpoint: 'lb:1', tls_ca: ca.crt, timeout: 2s}}\n");
  const ProcessResult result =
      RunHere({"--config", folder_ + "/f.yaml", "context", "show", "-o", "json", "--timeout", "3s"},
              {{"LBCTL_TLS_KEY", "/k"}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json::value all = json::parse(result.out);
  const json::value& settings = all.at("settings");
  EXPECT_EQ(all.at("name"), "p");
  EXPECT_EQ(settings.at("endpoint").at("value"), "lb:1");
  EXPECT_EQ(settings.at("endpoint").at("from"), "context p");
  EXPECT_EQ(settings.at("tls_ca").at("value").as_string(), folder_ + "/ca.crt")
      << "relative to the file's folder";
  EXPECT_EQ(settings.at("tls_key").at("from"), "LBCTL_TLS_KEY");
  EXPECT_EQ(settings.at("timeout").at("from"), "--timeout");
  EXPECT_EQ(settings.at("tls_cert").at("from"), "default");
}

TEST_F(LbctlContextTest, ListMarksTheCurrentOne) {
  EXPECT_EQ(RunHere({"context", "list"}).out, "");
  RunHere({"context", "set", "a", "--endpoint", "lb:1"});
  RunHere({"context", "set", "b", "--endpoint", "lb:2", "--endpoint", "lb:3"});
  RunHere({"context", "use", "b"});
  EXPECT_TRUE(Has(RunHere({"context", "list"}).out, "*        b     lb:2,lb:3"))
      << RunHere({"context", "list"}).out;
  EXPECT_EQ(RunHere({"context", "list", "-o", "name"}).out, "a\nb\n");
  const json::value list = json::parse(RunHere({"context", "list", "-o", "json"}).out);
  EXPECT_EQ(list.at("items").at(1).at("current"), true);
}

TEST_F(LbctlContextTest, WhatIsWrongIsSaidAndChangesNothing) {
  RunHere({"context", "set", "prod", "--endpoint", "lb:1"});
  const std::string before = Content();
  const ProcessResult unknown = RunHere({"context", "use", "prd"});
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_TRUE(Has(unknown.err, "did you mean 'prod'?")) << unknown.err;
  EXPECT_EQ(RunHere({"--context", "prd", "status"}).exit_code, 3);
  EXPECT_EQ(RunHere({"context", "delete", "prod", "prd"}).exit_code, 3);
  EXPECT_EQ(RunHere({"context", "use"}).exit_code, 2);
  EXPECT_EQ(RunHere({"context", "set", "prod"}).exit_code, 2);
  EXPECT_EQ(RunHere({"context", "set", "a/b", "--endpoint", "lb:1"}).exit_code, 2);
  EXPECT_EQ(RunHere({"context", "set", "prod", "--endpoint", "here"}).exit_code, 2);
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(RunHere({"--config", folder_ + "/none.yaml", "status"}).exit_code, 3);
}

TEST_F(LbctlContextTest, ABrokenFileIsSaidWithItsPlace) {
  Write(folder_ + "/f.yaml", "contexts:\n  a:\n    endpont: x:1\n");
  const ProcessResult result = RunHere({"--config", folder_ + "/f.yaml", "status"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Has(result.err, "/f.yaml:3:5: unknown key 'endpont'; did you mean 'endpoint'?"))
      << result.err;
  EXPECT_EQ(
      RunHere({"--config", folder_ + "/f.yaml", "context", "set", "b", "-e", "x:1"}).exit_code, 2);
}

TEST_F(LbctlContextTest, ChangesAtTheSameTimeAreAllKept) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i)
    threads.emplace_back([this, i] {
      EXPECT_EQ(RunHere({"context", "set", "c" + std::to_string(i), "-e", "lb:1"}).exit_code, 0);
    });
  for (std::thread& thread : threads) thread.join();
  const json::value list = json::parse(RunHere({"context", "list", "-o", "json"}).out);
  EXPECT_EQ(list.at("items").as_array().size(), 16u);
}

TEST_F(LbctlContextTest, NamesOfContextsAreCompleted) {
  RunHere({"context", "set", "prod", "-e", server_->endpoint()});
  RunHere({"context", "set", "test", "-e", server_->endpoint()});
  EXPECT_EQ(RunHere({"__complete", "context", "use", ""}).out, "prod\ntest\n");
  EXPECT_EQ(RunHere({"__complete", "--context", "p"}).out, "prod\n");
  EXPECT_EQ(RunHere({"__complete", "--context", "test", "get", "rules", "w"}).out, "web\n");
  EXPECT_EQ(RunHere({"__complete", "--context=test", "get", "rules", "w"}).out, "web\n");
}

}  // namespace
}  // namespace lb::cli
