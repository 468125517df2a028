// `lbctl wait`: what it waits for, and how long.
#include <thread>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

class LbctlWaitTest : public LbctlTest {};

TEST_F(LbctlWaitTest, WhatIsSoIsSaidAtOnce) {
  const ProcessResult result = Run({"wait", "backends/web/web-1", "--for=healthy"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "rules/web/backends/web-1 is healthy\n");
  EXPECT_EQ(Run({"wait", "workers/worker-1", "--for=synced"}).exit_code, 0);
  EXPECT_EQ(Run({"wait", "rules/web", "--for=healthy=1"}).exit_code, 0);
}

TEST_F(LbctlWaitTest, WhatDoesNotComeInTimeIsExitCodeOne) {
  const ProcessResult down =
      Run({"wait", "backends/web/web-2", "--for=healthy", "--timeout", "300ms"});
  EXPECT_EQ(down.exit_code, 1);
  EXPECT_EQ(down.out, "");
  EXPECT_NE(down.err.find("rules/web/backends/web-2 is not healthy in time"), std::string::npos);
  EXPECT_EQ(Run({"wait", "rules/web", "--for=healthy=9", "--timeout", "1ms"}).exit_code, 1);
  const ProcessResult nobody = Run({"wait", "workers/nobody", "--for=synced", "--timeout", "1ms"});
  EXPECT_EQ(nobody.exit_code, 3);
  EXPECT_NE(nobody.err.find("workers/nobody does not exist"), std::string::npos) << nobody.err;
}

// Goal: it goes on asking. Method: the worker is refused at first and synced later.
TEST_F(LbctlWaitTest, ItIsWaitedFor) {
  fakes::AdminServer::Data later = ExampleData();
  for (auto& worker : later.workers) worker.set_sync(lb::admin::v1::Worker::SYNC_SYNCED);
  std::thread change([&] {
    while (server_->calls() < 3) std::this_thread::yield();
    server_->Set(later);
  });
  EXPECT_EQ(Run({"wait", "workers/worker-2", "--for=synced", "--timeout", "20s"}).exit_code, 0);
  change.join();
}

// Goal: no counter that is a second old is taken for the end. Method: all of it looks drained, and
// the server, which knows what the workers have counted, does not say so yet.
TEST_F(LbctlWaitTest, OnlyTheServerKnowsWhatIsDrained) {
  fakes::AdminServer::Data data = ExampleData();
  for (auto& backend : data.backends) {
    backend.set_weight(0);
    backend.set_connections(0);
  }
  data.workers[0].set_draining(true);
  data.workers[0].set_connections(0);
  server_->Set(data);
  const std::vector<std::vector<std::string>> waits = {
      {"wait", "backends/web/web-1", "--for=drained", "--timeout", "1ms"},
      {"wait", "workers/worker-1", "--for=drained", "--timeout", "1ms"}};
  for (const auto& wait : waits) EXPECT_EQ(Run(wait).exit_code, 1) << wait[1];
  for (auto& backend : data.backends) backend.set_drained(true);
  data.workers[0].set_drained(true);
  server_->Set(data);
  for (const auto& wait : waits) EXPECT_EQ(Run(wait).exit_code, 0) << wait[1];
}

TEST_F(LbctlWaitTest, AConditionMustFitTheType) {
  EXPECT_EQ(Run({"wait", "rules/web", "--for=synced"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1", "--for=tall"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1", "--for=synced=2"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1"}).exit_code, 2);
}

}  // namespace
}  // namespace lb::cli
