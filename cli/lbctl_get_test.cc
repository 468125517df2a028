// `lbctl get` and `status` against a fake control plane: what is on stdout and stderr, and the exit
// code.
#include <signal.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/check.h"
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

class LbctlGetTest : public LbctlTest {};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t Lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(LbctlGetTest, ListsBackendsAsATable) {
  const ProcessResult result = Run({"get", "backends"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(
      result.out,
      "RULE  BACKEND  ADDRESS      STATE      WEIGHT  CONNS  LIMIT  DETAIL           LAST-CHANGE\n"
      "api   api-1    10.0.0.9:80  UNCHECKED       1      7     50  connect timeout  2h\n"
      "web   web-1    10.0.0.1:80  UP              1      7     50  HTTP 200         2h\n"
      "web   web-2    10.0.0.2:80  DOWN            1      7     50  connect timeout  2h\n");
}

TEST_F(LbctlGetTest, ANameWithoutAnAddressIsUnresolvedWithTheReason) {
  fakes::AdminServer::Data data = ExampleData();
  data.backends[0].set_unresolved("no such name");
  server_->Set(data);
  const std::string out = Run({"get", "backends", "--rule", "api"}).out;
  EXPECT_NE(out.find("UNRESOLVED"), std::string::npos) << out;
  EXPECT_NE(out.find("no such name"), std::string::npos) << out;
}

TEST_F(LbctlGetTest, RulesShowTheirLimitsAndWhoWaits) {
  EXPECT_EQ(Run({"get", "rules"}).out,
            "NAME  LISTEN        BALANCE               BACKENDS  CONNS  LIMIT  QUEUED\n"
            "api   0.0.0.0:9000  weighted_round_robin  1/1 up       12      -       -\n"
            "web   0.0.0.0:8080  weighted_round_robin  1/2 up       12    500       3\n");
  const std::string wide = Run({"get", "rules", "-o", "wide"}).out;
  EXPECT_TRUE(Has(wide, "QUEUED-TOTAL  QUEUE-MAX  QUEUE-TIMEOUT")) << wide;
  EXPECT_TRUE(Has(wide, "          40       1000         5000ms")) << wide;
}

TEST_F(LbctlGetTest, AnyNameOfATypeAndOfAThingWorks) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"get", "be", "web/web-1"},
                                             {"get", "backend", "web-1"},
                                             {"get", "backends/web/web-1"},
                                             {"get", "rules/web/backends/web-1"},
                                             {"get", "be", "web-1", "--rule", "web"}}) {
    std::vector<std::string> all = args;
    all.insert(all.end(), {"-o", "name"});
    const ProcessResult result = Run(all);
    EXPECT_EQ(result.out, "rules/web/backends/web-1\n") << args[1] << result.err;
  }
  EXPECT_EQ(Run({"get", "be", "--rule", "web", "-o", "name"}).out,
            "rules/web/backends/web-1\nrules/web/backends/web-2\n");
}

TEST_F(LbctlGetTest, ARefusedConfigurationShowsItsReasonAndAddress) {
  for (const char* format : {"table", "wide"}) {
    const ProcessResult result = Run({"get", "workers", "-o", format});
    EXPECT_TRUE(Has(result.out, "BIND_FAILED: 0.0.0.0:8080: Address already in use")) << format;
    EXPECT_TRUE(Has(result.out, "ERROR"));
    EXPECT_TRUE(Has(result.out, "42     41"));
  }
}

TEST_F(LbctlGetTest, JsonIsOneObjectWithAKindAndAllFields) {
  const ProcessResult result = Run({"get", "rules", "-o", "json"});
  const json::value list = json::parse(result.out);
  EXPECT_EQ(list.at("kind"), "RuleList");
  ASSERT_EQ(list.at("items").as_array().size(), 2u);
  EXPECT_EQ(list.at("items").at(0).at("name"), "rules/api");
  EXPECT_EQ(list.at("items").at(0).at("connections"), "12");
  EXPECT_EQ(list.at("items").at(0).at("retriesTotal"), "0");
  EXPECT_EQ(list.at("items").at(0).at("maxConnections"), "0");
  EXPECT_EQ(list.at("items").at(1).at("queue").at("timeout"), "5s");
}

TEST_F(LbctlGetTest, YamlSaysTheSame) {
  const ProcessResult result = Run({"get", "rules", "-o", "yaml"});
  EXPECT_EQ(result.out.rfind("kind: RuleList\nitems:\n- name: rules/api\n", 0), 0u) << result.out;
}

TEST_F(LbctlGetTest, HostileNamesAreEscapedEverywhere) {
  fakes::AdminServer::Data data = ExampleData();
  data.rules.resize(1);
  data.rules[0].set_name("rules/a\x1b[2J\nb\xc2\x9b");
  server_->Set(data);
  for (const char* format : {"table", "wide", "json", "yaml", "name"}) {
    const ProcessResult result = Run({"get", "rules", "-o", format, "--no-headers"});
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << format;
    EXPECT_EQ(result.out.find("\xc2\x9b"), std::string::npos) << format;
    EXPECT_FALSE(Has(result.out, "\nb")) << format;
  }
  const ProcessResult result = Run({"get", "rules", "-o", "json"});
  EXPECT_EQ(json::parse(result.out).at("items").at(0).at("name"), "rules/a\x1b[2J\nb\xc2\x9b");
}

TEST_F(LbctlGetTest, PagesThatNeverEndAreABugOfTheServer) {
  fakes::AdminServer::Fault fault;
  fault.endless_pages = true;
  server_->Set(fault);
  EXPECT_EQ(Run({"get", "rules"}).exit_code, 70);
}

TEST_F(LbctlGetTest, NothingToListIsSaidOnStderr) {
  server_->Set(fakes::AdminServer::Data());
  const ProcessResult result = Run({"get", "rules"});
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "no rules\n");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(json::parse(Run({"get", "rules", "-o", "json"}).out).at("items").as_array().size(), 0u);
}

TEST_F(LbctlGetTest, AMissingNameSuggestsTheClosest) {
  ProcessResult result = Run({"get", "rule", "wbe"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Has(result.err, "did you mean 'rules/web'?")) << result.err;
  EXPECT_TRUE(Has(result.err, "RESOURCE_NOT_FOUND")) << result.err;
  result = Run({"get", "be", "wev-1"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(Has(result.err, "did you mean 'web-1'?")) << result.err;
  result = Run({"get", "be", "--rule", "wen"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(Has(result.err, "did you mean 'rules/web'?")) << result.err;
}

TEST_F(LbctlGetTest, SomeOfSeveralNamesMissingIsPartlyDone) {
  const ProcessResult result = Run({"get", "rules", "web", "nope", "-o", "json"});
  EXPECT_EQ(result.exit_code, 7);
  const json::value list = json::parse(result.out);
  EXPECT_EQ(list.at("items").as_array().size(), 1u);
  EXPECT_EQ(list.at("errors").at(0).at("name"), "rules/nope");
  EXPECT_EQ(json::parse(result.err).at("exitCode"), 3);
}

TEST_F(LbctlGetTest, ARuleMayBeNamedLikeACommand) {
  fakes::AdminServer::Data data = ExampleData();
  data.rules[0].set_name("rules/status");
  server_->Set(data);
  EXPECT_EQ(Run({"get", "rules", "status", "-o", "name"}).out, "rules/status\n");
}

TEST_F(LbctlGetTest, StatusIsOneScreen) {
  const ProcessResult result = Run({"status"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "controlplane 0.1.0 (cp-1)   config rev 42 (read 1d ago, in force on 1 of 2 workers)\n"
            "WORKERS      1 synced, 0 pending, 1 error\n"
            "RULES        2\n"
            "BACKENDS     2 up, 1 down\n"
            "CONNECTIONS  74 open, 0 since start\n"
            "FILE         BAD for 2h  /etc/lb/lb.yaml: not applied, revision 42 keeps running\n"
            "  /etc/lb/lb.yaml:3:5: error LB0102: unknown key 'lisen'; did you mean 'listen'?\n"
            "  8 more: lbctl config validate /etc/lb/lb.yaml\n"
            "! rules/web/backends/web-2: DOWN: connect timeout\n");
  EXPECT_EQ(json::parse(Run({"status", "-o", "json"}).out).at("kind"), "Status");
}

TEST_F(LbctlGetTest, StatusNamesTheRulesThatAreLeftOut) {
  fakes::AdminServer::Data data = ExampleData();
  data.status.mutable_file()->set_good(true);
  data.status.mutable_file()->clear_problems();
  data.status.add_rules_left_out("rules/shop");
  server_->Set(data);
  EXPECT_NE(Run({"status"}).out.find("PARTLY  /etc/lb/lb.yaml: applied without rule shop\n"),
            std::string::npos);
}

TEST_F(LbctlGetTest, ARevisionThatEveryWorkerRunsIsApplied) {
  fakes::AdminServer::Data data = ExampleData();
  data.status.set_workers_failed(0);
  server_->Set(data);
  EXPECT_NE(Run({"status"}).out.find("config rev 42 (applied 1d ago)\n"), std::string::npos);
}

TEST_F(LbctlGetTest, StatusCheckFailsWhenThereIsAnAlert) {
  EXPECT_EQ(Run({"status"}).exit_code, 0);
  EXPECT_EQ(Run({"status", "--check"}).exit_code, 1);
  EXPECT_EQ(Run({"status", "--check", "-w"}).exit_code, 2);
  fakes::AdminServer::Data data = ExampleData();
  data.status.clear_alerts();
  server_->Set(data);
  EXPECT_EQ(Run({"status", "--check"}).exit_code, 0);
}

TEST_F(LbctlGetTest, StatusCountsWorkersThatDrainOrAreSilent) {
  fakes::AdminServer::Data data = ExampleData();
  data.status.set_workers_draining(2);
  data.status.set_workers_stale(3);
  server_->Set(data);
  const ProcessResult result = Run({"status"});
  EXPECT_NE(result.out.find("1 error, 2 draining, 3 stale\n"), std::string::npos) << result.out;
}

TEST_F(LbctlGetTest, WatchingAppendsChangedRowsOnlyWithoutATerminal) {
  LbctlProcess watch(WithEndpoint({"get", "rules", "-w"}), LbctlProcess::Streams::kPipes);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Lines(out) == 3; }));
  fakes::AdminServer::Data data = ExampleData();
  data.rules[1].set_connections(99);
  server_->Set(data);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Has(out, "99"); }));
  EXPECT_EQ(Lines(watch.out()), 4u) << watch.out();
  EXPECT_EQ(watch.out().find('\x1b'), std::string::npos);
  watch.Signal(SIGINT);
  EXPECT_EQ(watch.Wait(), 130);
}

TEST_F(LbctlGetTest, WatchingAsJsonGivesOneObjectALine) {
  LbctlProcess watch(WithEndpoint({"get", "rules", "-w", "-o", "json"}),
                     LbctlProcess::Streams::kPipes);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Lines(out) == 2; }));
  fakes::AdminServer::Data data = ExampleData();
  data.rules.pop_back();
  server_->Set(data);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Lines(out) == 3; }));
  const std::string last = watch.out().substr(watch.out().rfind('\n', watch.out().size() - 2) + 1);
  EXPECT_EQ(json::parse(last).at("type"), "DELETED");
  EXPECT_EQ(json::parse(last).at("object").at("name"), "rules/web");
}

TEST_F(LbctlGetTest, WatchingRidesOverARestartOfTheControlPlane) {
  LbctlProcess watch(WithEndpoint({"get", "rules", "-w"}), LbctlProcess::Streams::kPipes);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Lines(out) == 3; }));
  server_.reset();
  server_ = std::make_unique<fakes::AdminServer>(SocketPath("admin.sock"));
  fakes::AdminServer::Data data = ExampleData();
  data.rules[1].set_connections(99);
  server_->Set(data);
  EXPECT_TRUE(watch.WaitForOut([](const std::string& out) { return Has(out, "99"); }));
}

TEST_F(LbctlGetTest, OnATerminalAWatchRedrawsWithinItsHeightAndWidth) {
  fakes::AdminServer::Data data = ExampleData();
  data.rules.assign(50, data.rules[0]);
  data.rules[0].set_name("rules/" + std::string(200, 'n'));
  server_->Set(data);
  LbctlProcess watch(WithEndpoint({"get", "rules", "-w"}), LbctlProcess::Streams::kTerminal);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) {
    return Has(out.substr(std::min<size_t>(1, out.size())), "\x1b[H");
  }));
  const std::string frame = watch.out().substr(0, watch.out().find("\x1b[H", 1));
  EXPECT_LT(Lines(frame), 10u);
  EXPECT_TRUE(Has(frame, "…")) << frame;
  EXPECT_TRUE(Has(frame, "\x1b[32m1/1 up\x1b[0m")) << frame;
  watch.Type("\x03");
  EXPECT_EQ(watch.Wait(), 130);
}

TEST_F(LbctlGetTest, WithoutATerminalNothingIsColouredUnlessAsked) {
  ProcessOptions options;
  options.env = {{"TERM", "xterm-256color"}};
  const std::vector<std::vector<std::string>> commands = {
      {"status"},
      {"get", "rules"},
      {"get", "backends", "-o", "wide"},
      {"get", "workers"},
      {"describe", "workers/worker-2"},
      {"top", "backends", "--once", "-i", "100ms"},
      {"get", "nothing"}};
  for (const std::vector<std::string>& args : commands) {
    const ProcessResult result = Run(args, options);
    EXPECT_FALSE(Has(result.out + result.err, "\x1b")) << args[0] << result.out;
  }
  EXPECT_TRUE(Has(Run({"get", "backends", "--color=always"}, options).out, "\x1b[31mDOWN\x1b[0m"));
}

TEST_F(LbctlGetTest, AReaderThatGoesAwayEndsItQuietly) {
  LbctlProcess watch(WithEndpoint({"get", "rules", "-w"}), LbctlProcess::Streams::kPipes);
  ASSERT_TRUE(watch.WaitForOut([](const std::string& out) { return Lines(out) == 3; }));
  watch.CloseOut();
  EXPECT_EQ(watch.Wait(), 0);
}

}  // namespace
}  // namespace lb::cli
