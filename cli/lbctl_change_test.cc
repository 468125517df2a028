// What changes things: apply, plan, diff, confirm, rollback, rollout, connections and
// log-level: what is sent, what is said where, and the exit code of each answer.
#include <grpcpp/support/status_code_enum.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace api = lb::admin::v1;
namespace json = boost::json;

constexpr char kYaml[] = "rules: []\n";

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

api::Config MakeConfig(uint64_t revision, const std::string& content) {
  api::Config config;
  config.set_name("configs/" + std::to_string(revision));
  config.set_revision(revision);
  config.set_etag("\"e" + std::to_string(revision) + "\"");
  config.set_content(content);
  return config;
}

api::Rollout MakeRollout(uint32_t done, uint32_t pending, uint32_t refused) {
  api::Rollout rollout;
  rollout.mutable_config()->set_revision(8);
  rollout.set_workers_done(done);
  rollout.set_workers_pending(pending);
  rollout.set_workers_refused(refused);
  auto* worker = rollout.add_workers();
  worker->set_name("workers/w\x1b[2J");
  worker->set_state(refused > 0 ? api::Rollout::WorkerProgress::STATE_REFUSED
                                : api::Rollout::WorkerProgress::STATE_DONE);
  return rollout;
}

class LbctlChangeTest : public LbctlTest {
 protected:
  LbctlChangeTest() {
    std::ofstream(File()) << kYaml;
    data_ = ExampleData();
    data_.changes.configs = {MakeConfig(8, "new\n"), MakeConfig(7, "old\n")};
    *data_.changes.applied.mutable_config() = MakeConfig(7, "");
    api::Change* change = data_.changes.applied.add_changes();
    change->set_action(api::Change::ACTION_UPDATE);
    change->set_resource("rules/web\x1b[2J");
    change->set_effect("none\n");
    data_.changes.applied.set_changes_total(1);
    *data_.changes.plan.mutable_running() = MakeConfig(8, "");
    data_.changes.rollouts = {MakeRollout(1, 0, 0)};
    data_.changes.drained.set_status("7 connections left");
    data_.changes.killed.set_done(true);
    data_.changes.killed.set_connections_left(5);
    data_.changes.killed.set_connections_closed(5);
    data_.changes.killed.set_status("5 connections match");
    Give();
  }

  void Give() { server_->Set(data_); }

  void Fail(int code, const std::string& reason) {
    server_->Set(fakes::AdminServer::Fault{code, "it went wrong", reason, false, false});
  }

  std::string File() const { return folder_ + "/lb.yaml"; }

  // Each command that changes something, with consent.
  std::vector<std::vector<std::string>> AllChanges() const {
    return {{"apply", File()},
            {"plan", File()},
            {"diff", File()},
            {"confirm"},
            {"rollback", "--yes"},
            {"rollout", "status"},
            {"rollout", "history"},
            {"config", "get"},
            {"config", "diff", "7", "8"},
            {"backend", "drain", "web/web-1"},
            {"backend", "undrain", "web/web-1"},
            {"backend", "maint", "web/web-1"},
            {"backend", "weight", "web/web-1", "5"},
            {"backend", "reset", "web/web-1"},
            {"connections", "list"},
            {"connections", "kill", "--all", "--yes"},
            {"log-level", "get"},
            {"log-level", "set", "controlplane", "debug"}};
  }

  fakes::AdminServer::Data data_;
};

TEST_F(LbctlChangeTest, EachAnswerOfTheServerHasItsExitCodeAndNoDataOnStdout) {
  const std::vector<std::pair<int, int>> codes = {
      {grpc::StatusCode::INVALID_ARGUMENT, 2},  {grpc::StatusCode::NOT_FOUND, 3},
      {grpc::StatusCode::UNAVAILABLE, 4},       {grpc::StatusCode::RESOURCE_EXHAUSTED, 4},
      {grpc::StatusCode::PERMISSION_DENIED, 5}, {grpc::StatusCode::UNAUTHENTICATED, 5},
      {grpc::StatusCode::ABORTED, 6},           {grpc::StatusCode::FAILED_PRECONDITION, 6},
      {grpc::StatusCode::INTERNAL, 70}};
  for (const auto& [code, exit_code] : codes) {
    Fail(code, "SOME_REASON");
    for (const std::vector<std::string>& args : AllChanges()) {
      const ProcessResult result = Run(args);
      EXPECT_EQ(result.exit_code, exit_code) << args[0] << " " << code << result.err;
      EXPECT_EQ(result.out, "") << args[0];
      EXPECT_TRUE(Has(result.err, "it went wrong")) << args[0] << result.err;
      EXPECT_TRUE(Has(result.err, "SOME_REASON")) << args[0] << result.err;
    }
  }
}

TEST_F(LbctlChangeTest, ErrorsAreJsonOnStderrWhenJsonIsAskedFor) {
  Fail(grpc::StatusCode::ABORTED, "ETAG_MISMATCH");
  for (std::vector<std::string> args : AllChanges()) {
    args.insert(args.end(), {"-o", "json"});
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 6) << args[0];
    EXPECT_EQ(result.out, "") << args[0];
    const json::value error = json::parse(result.err);
    EXPECT_EQ(error.at("reason"), "ETAG_MISMATCH") << args[0];
    EXPECT_EQ(error.at("exitCode"), 6) << args[0];
  }
}

TEST_F(LbctlChangeTest, EachCommandSucceedsAndItsJsonIsOneObject) {
  for (std::vector<std::string> args : AllChanges()) {
    if (args[0] == "config") continue;  // The content, or a difference.
    EXPECT_EQ(Run(args).exit_code, 0) << args[0] << args.back() << Run(args).err;
    args.insert(args.end(), {"-o", "json", "-q"});
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 0) << args[0] << result.err;
    EXPECT_EQ(result.err, "") << args[0];
    json::error_code bad;
    EXPECT_TRUE(json::parse(result.out, bad).is_object()) << args[0] << result.out;
  }
}

TEST_F(LbctlChangeTest, NoTextOfTheServerSteersTheTerminal) {
  for (const std::vector<std::string>& args : AllChanges()) {
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.out.find('\x1b'), std::string::npos) << args[0];
    EXPECT_EQ(result.err.find('\x1b'), std::string::npos) << args[0];
  }
  EXPECT_TRUE(Has(Run({"apply", File()}).err, "rules/web\\x1b[2J")) << Run({"apply", File()}).err;
  Fail(grpc::StatusCode::ABORTED, "");
  server_->Set(fakes::AdminServer::Fault{grpc::StatusCode::ABORTED, "a\x1b[2Jb", "", false, false});
  for (const std::vector<std::string>& args : AllChanges())
    EXPECT_TRUE(Has(Run(args).err, "a\\x1b[2Jb")) << args[0];
}

TEST_F(LbctlChangeTest, ApplySendsWhatItsFlagsSay) {
  const ProcessResult result =
      Run({"apply", File(), "--if-revision", "7", "--etag", "\"x\"", "-m", "why", "--confirm",
           "1m500ms", "--max-connect-failures", "0.1", "--strict"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "revision 7 is accepted; workers take it now: lbctl rollout status\n");
  ASSERT_EQ(server_->seen().applies.size(), 1u);
  const api::ApplyConfigRequest request = server_->seen().applies[0];
  EXPECT_EQ(request.content(), kYaml);
  EXPECT_EQ(request.if_revision(), 7u);
  EXPECT_EQ(request.etag(), "\"x\"");
  EXPECT_EQ(request.message(), "why");
  EXPECT_EQ(request.confirm_timeout().seconds(), 60);
  EXPECT_EQ(request.confirm_timeout().nanos(), 500'000'000);
  EXPECT_EQ(request.max_connect_failure_ratio(), 0.1);
  EXPECT_TRUE(request.warnings_as_errors());
  EXPECT_FALSE(request.validate_only());
  EXPECT_EQ(Run({"apply", File(), "--dry-run"}).out,
            "dry run: it would become a new revision; revision 7 keeps running\n");
  EXPECT_TRUE(server_->seen().applies[1].validate_only());
}

// As `config validate` prints them, so that an editor finds the places; for programs too.
TEST_F(LbctlChangeTest, FindingsOfARefusedConfigurationAreAllShown) {
  fakes::AdminServer::Fault fault{grpc::StatusCode::INVALID_ARGUMENT, "2 findings",
                                  "CONFIG_INVALID", false, false};
  fault.metadata = {{"count", "5"}};
  fault.violations = {"lb.yaml:7:3: error LB0102: unknown key 'lisen'",
                      "lb.yaml:9:5: error LB0110: \x1b[2J"};
  server_->Set(fault);
  for (const char* command : {"apply", "plan", "diff"}) {
    const ProcessResult result = Run({command, File()});
    // Of a diff 1 says that it differs.
    EXPECT_EQ(result.exit_code, command == std::string("diff") ? 2 : 1) << command;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(Has(result.err, "(CONFIG_INVALID)\nlb.yaml:7:3: error LB0102: unknown key"))
        << result.err;
    EXPECT_TRUE(
        Has(result.err, "lb.yaml:9:5: error LB0110: \\x1b[2J\n3 more: lbctl config validate"))
        << result.err;
  }
  EXPECT_EQ(Run({"apply", File(), "--detailed-exitcode"}).exit_code, 2);
  const json::object error = json::parse(Run({"apply", File(), "-o", "json"}).err).as_object();
  EXPECT_EQ(error.at("exitCode"), 1);
  EXPECT_EQ(error.at("metadata").at("count"), "5");
  EXPECT_EQ(error.at("violations").at(0).at("description").as_string(), fault.violations[0]);
}

TEST_F(LbctlChangeTest, AReasonIsNotTakenForAnUnreachableServer) {
  Fail(grpc::StatusCode::UNAVAILABLE, "CONFIG_NOT_WRITTEN");
  EXPECT_EQ(Run({"apply", File()}).err, "lbctl: it went wrong (CONFIG_NOT_WRITTEN)\n");
  Fail(grpc::StatusCode::UNAVAILABLE, "");
  EXPECT_TRUE(Has(Run({"apply", File()}).err, "is not available"));
}

TEST_F(LbctlChangeTest, ForceIsSentOnlyWhenAskedFor) {
  Run({"apply", File()});
  Run({"apply", File(), "--force"});
  Run({"rollback", "--yes", "--force"});
  ASSERT_EQ(server_->seen().applies.size(), 2u);
  EXPECT_FALSE(server_->seen().applies[0].force());
  EXPECT_TRUE(server_->seen().applies[1].force());
  for (const api::RollbackConfigRequest& one : server_->seen().rollbacks) EXPECT_TRUE(one.force());
}

TEST_F(LbctlChangeTest, WhatIsWrongWithTheArgumentsIsFoundBeforeAnythingIsSent) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"apply", File(), "--confirm", "60"},
           {"apply", File(), "--if-revision", "last"},
           {"apply", File(), "--max-connect-failures", "many"},
           {"apply", File(), "--wait", "x"},
           {"rollback", "x", "--yes"},
           {"confirm", "x"},
           {"config", "diff", "7"},
           {"backend", "drain"},
           {"backend", "drain", "web-1"},
           {"backend", "weight", "web/web-1", "5x"},
           {"backend", "weight", "web/web-1"},
           {"log-level", "set", "controlplane"},
           {"log-level", "set", "controlplane", "loud"},
           {"log-level", "set", "controlplane", "debug", "--for", "1"}}) {
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 2) << args[0] << " " << args.back() << result.err;
    EXPECT_EQ(result.out, "") << args[0];
  }
  EXPECT_EQ(server_->calls(), 0u);
  EXPECT_NE(Run({"apply", folder_ + "/none.yaml"}).exit_code, 0);
  EXPECT_TRUE(server_->seen().applies.empty());
}

TEST_F(LbctlChangeTest, TheExitCodeTellsWhetherSomethingDiffers) {
  EXPECT_EQ(Run({"diff", File()}).exit_code, 0);
  EXPECT_EQ(Run({"apply", File(), "--detailed-exitcode"}).exit_code, 1);
  data_.changes.plan.set_changes_total(2);
  data_.changes.applied.set_unchanged(true);
  Give();
  EXPECT_EQ(Run({"diff", File()}).exit_code, 1);
  EXPECT_EQ(Run({"plan", File()}).exit_code, 0);
  const ProcessResult same = Run({"apply", File(), "--detailed-exitcode"});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.out, "unchanged: revision 7 runs already\n");
  EXPECT_TRUE(Has(Run({"plan", File()}).err, "--if-revision 8"));
}

TEST_F(LbctlChangeTest, WaitingForARolloutEndsWithWhatTheWorkersSaid) {
  EXPECT_EQ(Run({"apply", File(), "--wait", "5s"}).exit_code, 0);
  data_.changes.rollouts = {MakeRollout(0, 1, 0), MakeRollout(0, 0, 1)};
  Give();
  const ProcessResult refused = Run({"apply", File(), "--wait", "5s"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_EQ(refused.out, "revision 7 is accepted; workers take it now: lbctl rollout status\n");
  EXPECT_TRUE(Has(refused.err, "1 refused it")) << refused.err;
  EXPECT_EQ(Run({"rollout", "status"}).exit_code, 0);
  EXPECT_EQ(Run({"rollout", "status", "--wait", "5s"}).exit_code, 1);
  data_.changes.rollouts = {MakeRollout(0, 1, 0)};
  data_.changes.rollout_goes_on = true;
  Give();
  const ProcessResult late = Run({"apply", File(), "--wait", "300ms"});
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_TRUE(Has(late.err, "not all workers have answered in time")) << late.err;
}

TEST_F(LbctlChangeTest, ARollbackAsksAndAppliesWhatWasShown) {
  const ProcessResult no_terminal = Run({"rollback"});
  EXPECT_EQ(no_terminal.exit_code, 2);
  EXPECT_TRUE(Has(no_terminal.err, "--yes")) << no_terminal.err;
  EXPECT_TRUE(server_->seen().rollbacks.empty());
  LbctlProcess rollback(WithEndpoint({"rollback"}), LbctlProcess::Streams::kTerminal);
  EXPECT_TRUE(rollback.WaitForOut([](const std::string& out) { return Has(out, "[y/N]"); }));
  rollback.Type("n\n");
  EXPECT_EQ(rollback.Wait(), 2);
  ASSERT_EQ(server_->seen().rollbacks.size(), 1u);
  EXPECT_TRUE(server_->seen().rollbacks[0].validate_only());
  const ProcessResult result = Run({"rollback", "--yes", "-m", "why"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(Has(result.err, "-new\n+old\n")) << result.err;
  ASSERT_EQ(server_->seen().rollbacks.size(), 3u);
  const api::RollbackConfigRequest request = server_->seen().rollbacks[2];
  EXPECT_FALSE(request.validate_only());
  EXPECT_EQ(request.name(), "configs/7");
  EXPECT_EQ(request.etag(), "\"e8\"");
  EXPECT_EQ(request.message(), "why");
}

TEST_F(LbctlChangeTest, ADrainThatIsWaitedForEndsWithItsOperation) {
  api::Operation operation;
  operation.set_name("operations/7");
  operation.set_done(true);
  data_.operations = {operation};
  Give();
  EXPECT_EQ(Run({"backend", "drain", "web/web-1", "--wait"}).exit_code, 0);
  data_.operations[0].set_error_code(grpc::StatusCode::DEADLINE_EXCEEDED);
  data_.operations[0].set_status("3 connections left");
  Give();
  const ProcessResult late = Run({"backend", "drain", "web/web-1", "--wait"});
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_TRUE(Has(late.out, "3 connections left")) << late.out;
  data_.operations[0].set_error_code(grpc::StatusCode::ABORTED);
  data_.operations[0].set_error_message("it was undrained");
  Give();
  const ProcessResult ended = Run({"backend", "drain", "web/web-1", "--wait"});
  EXPECT_EQ(ended.exit_code, 6);
  EXPECT_TRUE(Has(ended.err, "it was undrained")) << ended.err;
}

TEST_F(LbctlChangeTest, AKillNeedsConsentAndSaysHowMany) {
  const ProcessResult none = Run({"connections", "kill", "--rule", "web"});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_TRUE(Has(none.err, "killing 5 connections needs consent")) << none.err;
  ASSERT_EQ(server_->seen().kills.size(), 1u);
  EXPECT_TRUE(server_->seen().kills[0].validate_only());
  LbctlProcess kill(WithEndpoint({"connections", "kill", "--rule", "web"}),
                    LbctlProcess::Streams::kTerminal);
  EXPECT_TRUE(kill.WaitForOut(
      [](const std::string& out) { return Has(out, "Kill 5 connections? [y/N]"); }));
  kill.Type("y\n");
  EXPECT_EQ(kill.Wait(), 0);
  const fakes::ChangeRequests seen = server_->seen();
  ASSERT_EQ(seen.kills.size(), 3u);
  EXPECT_FALSE(seen.kills[2].validate_only());
  EXPECT_EQ(seen.kills[2].filter().rule(), "rules/web");
}

TEST_F(LbctlChangeTest, NothingToKillAsksNothing) {
  data_.changes.killed.set_connections_left(0);
  Give();
  const ProcessResult result = Run({"connections", "kill", "--rule", "web"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "0 connections killed\n");
  EXPECT_EQ(server_->seen().kills.size(), 1u);
}

TEST_F(LbctlChangeTest, ListedConnectionsAreDataAndWhatIsMissingANote) {
  api::Connection* connection = data_.changes.connections.add_connections();
  connection->set_client("10.0.0.7:40000");
  connection->set_rule("rules/web");
  data_.changes.connections.set_matching(3);
  data_.changes.connections.add_workers_missing("workers/worker-2");
  Give();
  const ProcessResult result =
      Run({"connections", "list", "--rule", "web", "--client", "10.0.0.0/8", "--limit", "1"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(Has(result.out, "10.0.0.7:40000")) << result.out;
  EXPECT_TRUE(Has(result.err, "1 of 3 connections")) << result.err;
  EXPECT_TRUE(Has(result.err, "workers/worker-2 did not answer")) << result.err;
  ASSERT_EQ(server_->seen().lists.size(), 1u);
  EXPECT_EQ(server_->seen().lists[0].filter().client_cidr(), "10.0.0.0/8");
  EXPECT_EQ(server_->seen().lists[0].limit(), 1);
  EXPECT_EQ(Run({"-q", "connections", "list"}).err, "");
}

TEST_F(LbctlChangeTest, LogLevelsAreSentAndShown) {
  api::LogSetting* setting = data_.changes.levels.add_settings();
  setting->set_component("controlplane");
  setting->set_level(lb::type::v1::LOG_LEVEL_DEBUG);
  setting->set_default_level(lb::type::v1::LOG_LEVEL_WARN);
  setting = data_.changes.levels.add_settings();
  setting->set_component("workers/w");
  setting->set_default_level(lb::type::v1::LOG_LEVEL_WARN);
  data_.changes.levels.add_settings()->set_component("workers/older");
  Give();
  const std::string shown = Run({"log-level", "get"}).out;
  EXPECT_TRUE(Has(shown, "controlplane   debug ")) << shown;
  EXPECT_TRUE(Has(shown, "workers/w      default (warn)")) << shown;
  EXPECT_TRUE(Has(shown, "workers/older  default")) << shown;
  EXPECT_FALSE(Has(shown, "workers/older  default (")) << shown;
  EXPECT_EQ(Run({"log-level", "set", "workers/-", "trace", "--for", "90s", "--dry-run"}).exit_code,
            0);
  ASSERT_EQ(server_->seen().levels.size(), 1u);
  EXPECT_EQ(server_->seen().levels[0].component(), "workers/-");
  EXPECT_EQ(server_->seen().levels[0].level(), lb::type::v1::LOG_LEVEL_TRACE);
  EXPECT_EQ(server_->seen().levels[0].duration().seconds(), 90);
  EXPECT_TRUE(server_->seen().levels[0].validate_only());
}

// The answer is lost, not the change: sent again with the same id it has one effect.
TEST_F(LbctlChangeTest, AChangeWhoseAnswerIsLostIsSentOnceMore) {
  fakes::AdminServer::Fault lost{grpc::StatusCode::UNAVAILABLE, "Socket closed", ""};
  lost.most = 1;
  server_->Set(lost);
  EXPECT_EQ(Run({"backend", "weight", "web/web-1", "3"}).exit_code, 0);
  ASSERT_EQ(server_->seen().weights.size(), 2u);
  EXPECT_NE(server_->seen().weights[0].request_id(), "");
  EXPECT_EQ(server_->seen().weights[0].request_id(), server_->seen().weights[1].request_id());
}

// A control plane that was restarted meanwhile would do these a second time.
TEST_F(LbctlChangeTest, WhatDoesMoreTheSecondTimeIsNotSentAgain) {
  fakes::AdminServer::Fault lost{grpc::StatusCode::UNAVAILABLE, "Socket closed", ""};
  lost.skip = 1;  // What it would do is asked for first.
  lost.most = 1;
  server_->Set(lost);
  EXPECT_EQ(Run({"connections", "kill", "--rule", "web", "--yes"}).exit_code, 4);
  size_t kills = 0;
  for (const auto& kill : server_->seen().kills) kills += kill.validate_only() ? 0 : 1;
  EXPECT_EQ(kills, 1u);
  // Whichever of its calls is the one that changes something.
  for (size_t skip = 0; skip < 6; ++skip) {
    lost.skip = skip;
    server_->Set(lost);
    (void)Run({"rollback", "--yes"});
  }
  std::set<std::string> ids;
  size_t rollbacks = 0;
  for (const auto& rollback : server_->seen().rollbacks) {
    if (rollback.validate_only()) continue;
    ++rollbacks;
    ids.insert(rollback.request_id());
  }
  EXPECT_GT(rollbacks, 0u);
  EXPECT_EQ(ids.size(), rollbacks) << "one was sent again";
}

TEST_F(LbctlChangeTest, CertificatesAreMadeWithoutAServerAndNeverOverwritten) {
  const std::string folder = folder_ + "/pki";
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "admin", "me", "--dir", folder}).exit_code, 3)
      << "no authority yet";
  EXPECT_EQ(RunLbctl({"tls", "generate-ca", "--dir", folder}).exit_code, 0);
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "admin", "me", "--dir", folder}).exit_code, 0);
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "admin", "me", "--dir", folder}).exit_code, 6);
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "admin", "me", "--dir", folder, "--force"}).exit_code,
            0);
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "king", "me", "--dir", folder}).exit_code, 2);
  EXPECT_EQ(RunLbctl({"tls", "generate-cert", "admin"}).exit_code, 2);
}

}  // namespace
}  // namespace lb::cli
