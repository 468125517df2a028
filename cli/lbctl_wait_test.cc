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
  EXPECT_EQ(Run({"wait", "workers/nobody", "--for=synced", "--timeout", "1ms"}).exit_code, 1);
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

TEST_F(LbctlWaitTest, AConditionMustFitTheType) {
  EXPECT_EQ(Run({"wait", "rules/web", "--for=synced"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1", "--for=tall"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1", "--for=synced=2"}).exit_code, 2);
  EXPECT_EQ(Run({"wait", "workers/worker-1"}).exit_code, 2);
}

}  // namespace
}  // namespace lb::cli
