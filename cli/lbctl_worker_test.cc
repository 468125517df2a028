// `lbctl worker drain` and `undrain`: consent, what is said, and waiting for the end.
#include <boost/json.hpp>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

class LbctlWorkerTest : public LbctlTest {
 protected:
  // GetOperation answers these, one after the other.
  void SetOperations(std::vector<lb::admin::v1::Operation> operations) {
    fakes::AdminServer::Data data = ExampleData();
    for (lb::admin::v1::Operation& operation : operations) operation.set_name("operations/7");
    data.operations = std::move(operations);
    server_->Set(data);
  }

  static lb::admin::v1::Operation Running(uint64_t left) {
    lb::admin::v1::Operation operation;
    operation.set_connections_left(left);
    return operation;
  }

  static lb::admin::v1::Operation Ended(int code, uint64_t left) {
    lb::admin::v1::Operation operation = Running(left);
    operation.set_done(true);
    operation.set_error_code(code);
    operation.set_error_message(code == 0 ? "" : "it went wrong");
    return operation;
  }
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(LbctlWorkerTest, WithoutATerminalConsentIsAFlag) {
  EXPECT_EQ(Run({"worker", "drain", "worker-1"}).exit_code, 2);
  EXPECT_TRUE(server_->drains().empty());
}

TEST_F(LbctlWorkerTest, DrainTellsWhatHappenedAndWhatComesNext) {
  const ProcessResult result =
      Run({"worker", "drain", "worker-1", "--yes", "--timeout", "1m500ms"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "worker worker-1 draining; 37 connections left\n");
  EXPECT_TRUE(Has(result.err, "has 37 connections open")) << result.err;
  EXPECT_TRUE(Has(result.err, "lbctl worker undrain worker-1")) << result.err;
  ASSERT_EQ(server_->drains().size(), 1u);
  EXPECT_EQ(server_->drains()[0].name(), "workers/worker-1");
  EXPECT_EQ(server_->drains()[0].timeout().seconds(), 60);
  EXPECT_EQ(server_->drains()[0].timeout().nanos(), 500'000'000);
}

TEST_F(LbctlWorkerTest, WaitFollowsToTheEndOnStderr) {
  SetOperations({Running(20), Ended(0, 0)});
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes", "--wait"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "worker worker-1 drained\n");
  EXPECT_TRUE(Has(result.err, "37 connections left\n")) << result.err;
  EXPECT_TRUE(Has(result.err, "20 connections left\n")) << result.err;
}

TEST_F(LbctlWorkerTest, ADrainSaysHowManyConnectionsItClosed) {
  lb::admin::v1::Operation ended = Ended(0, 0);
  ended.set_connections_closed(3);
  SetOperations({ended});
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes", "--wait"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "worker worker-1 drained; 3 connections closed at the timeout\n");
}

TEST_F(LbctlWorkerTest, ADrainThatEndsTooLateIsNotDone) {
  SetOperations({Ended(4, 3)});
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes", "--wait"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "worker worker-1 not drained in time: 3 connections left\n");
}

TEST_F(LbctlWorkerTest, AFailedOperationHasTheExitCodeOfItsError) {
  SetOperations({Ended(9, 3)});
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes", "--wait"});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_TRUE(Has(result.err, "it went wrong")) << result.err;
}

TEST_F(LbctlWorkerTest, JsonIsTheOperation) {
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes", "-o", "json"});
  const json::value operation = json::parse(result.out);
  EXPECT_EQ(operation.at("kind"), "Operation");
  EXPECT_EQ(operation.at("operation"), "DrainWorker");
  EXPECT_EQ(operation.at("connectionsLeft"), "37");
}

TEST_F(LbctlWorkerTest, AnUnknownWorkerSuggestsTheClosest) {
  for (const char* verb : {"drain", "undrain"}) {
    std::vector<std::string> args = {"worker", verb, "wroker-1"};
    if (verb == std::string("drain")) args.push_back("--yes");
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_TRUE(Has(result.err, "did you mean 'worker-1'?")) << result.err;
  }
}

TEST_F(LbctlWorkerTest, UndrainNeedsNoConsent) {
  const ProcessResult result = Run({"worker", "undrain", "workers/worker-1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "worker worker-1 accepts connections again\n");
  ASSERT_EQ(server_->undrains().size(), 1u);
}

TEST_F(LbctlWorkerTest, AnUndrainIsDoneWhenTheWorkerSaysSo) {
  fakes::AdminServer::Data data = ExampleData();
  data.undrain_waits = true;
  data.operations = {Running(3), Ended(9, 3)};
  for (lb::admin::v1::Operation& operation : data.operations) operation.set_name("operations/7");
  server_->Set(data);
  const ProcessResult refused = Run({"worker", "undrain", "worker-1"});
  EXPECT_EQ(refused.exit_code, 6);
  EXPECT_EQ(refused.out, "");
  EXPECT_TRUE(Has(refused.err, "it went wrong")) << refused.err;
  data.operations = {data.operations[0]};
  server_->Set(data);
  const ProcessResult silent = Run({"worker", "undrain", "worker-1", "--timeout", "100ms"});
  EXPECT_EQ(silent.exit_code, 1) << silent.err;
  EXPECT_TRUE(Has(silent.out, "did not answer in time")) << silent.out;
}

TEST_F(LbctlWorkerTest, DrainingTheLastWorkerThatServesIsSaidBefore) {
  EXPECT_FALSE(Has(Run({"worker", "drain", "worker-1", "--yes"}).err, "No other worker"));
  fakes::AdminServer::Data data = ExampleData();
  data.workers[1].set_draining(true);
  server_->Set(data);
  const ProcessResult result = Run({"worker", "drain", "worker-1", "--yes"});
  EXPECT_TRUE(Has(result.err, "warning: No other worker accepts connections")) << result.err;
  LbctlProcess drain(WithEndpoint({"worker", "drain", "worker-1"}),
                     LbctlProcess::Streams::kTerminal);
  EXPECT_TRUE(drain.WaitForOut(
      [](const std::string& out) { return Has(out, "clients will be refused. Drain it? [y/N]"); }));
  drain.Type("n\n");
  EXPECT_EQ(drain.Wait(), 2);
}

TEST_F(LbctlWorkerTest, ForceIsOnlySentWhenItIsSaid) {
  EXPECT_EQ(Run({"worker", "drain", "worker-1", "--yes"}).exit_code, 0);
  EXPECT_EQ(Run({"worker", "drain", "worker-1", "--yes", "--force"}).exit_code, 0);
  ASSERT_EQ(server_->drains().size(), 2u);
  EXPECT_FALSE(server_->drains()[0].force());
  EXPECT_TRUE(server_->drains()[1].force());
  EXPECT_NE(server_->drains()[0].request_id(), "");
  EXPECT_NE(server_->drains()[0].request_id(), server_->drains()[1].request_id());
}

TEST_F(LbctlWorkerTest, ADryRunChangesNothingAndAsksNobody) {
  const ProcessResult drain = Run({"worker", "drain", "worker-1", "--dry-run"});
  EXPECT_EQ(drain.exit_code, 0) << drain.err;
  EXPECT_EQ(drain.out, "dry run: worker worker-1 would be drained of its 37 connections\n");
  const ProcessResult undrain = Run({"worker", "undrain", "worker-1", "--dry-run"});
  EXPECT_EQ(undrain.exit_code, 0) << undrain.err;
  EXPECT_EQ(undrain.out, "dry run: worker worker-1 would accept connections again\n");
  EXPECT_TRUE(server_->drains().empty());
  EXPECT_TRUE(server_->undrains().empty());
}

TEST_F(LbctlWorkerTest, OnATerminalItAsksWithTheNumberOfConnections) {
  for (const auto& [answer, exit_code] :
       std::vector<std::pair<std::string, int>>{{"n\n", 2}, {"\n", 2}, {"yes\n", 0}}) {
    LbctlProcess drain(WithEndpoint({"worker", "drain", "worker-1"}),
                       LbctlProcess::Streams::kTerminal);
    ASSERT_TRUE(drain.WaitForOut(
        [](const std::string& out) { return Has(out, "37 connections") && Has(out, "[y/N]"); }));
    drain.Type(answer);
    EXPECT_EQ(drain.Wait(), exit_code) << answer;
  }
  EXPECT_EQ(server_->drains().size(), 1u);
}

}  // namespace
}  // namespace lb::cli
