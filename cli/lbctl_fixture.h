// A fake control plane with two rules, three backends and two workers, and lbctl run against it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/lbctl_process.h"
#include "tests/fakes/admin_server.h"

namespace lb::cli {

class LbctlTest : public testing::Test {
 protected:
  LbctlTest();
  ~LbctlTest() override;

  // Data of two rules (web, api), backends web-1, web-2 (DOWN), api-1, and workers worker-1, and
  // worker-2 that refused its configuration.
  static fakes::AdminServer::Data ExampleData();

  // Runs lbctl with the fake's endpoint before `args`.
  ProcessResult Run(std::vector<std::string> args, const ProcessOptions& options = {}) const;
  std::vector<std::string> WithEndpoint(std::vector<std::string> args) const;

  // A path for a socket in a folder of the test's own, short enough for one.
  std::string SocketPath(const std::string& name) const;

  std::string folder_;
  std::unique_ptr<fakes::AdminServer> server_;
};

}  // namespace lb::cli
