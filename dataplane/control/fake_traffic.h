// Traffic without sockets, for the tests of the lanes: remembers what it was told, and fails to
// bind where a test says. Threading: none.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "dataplane/control/traffic.h"

namespace lb::dataplane {

class FakeTraffic final : public Traffic {
 public:
  std::vector<BindFailure> Apply(std::shared_ptr<const Tables> tables) override {
    if (failures.empty()) in_force = std::move(tables);
    return failures;
  }
  void StopAccepting() override { accepting = false; }
  std::vector<BindFailure> ResumeAccepting() override {
    accepting = failures.empty();
    return failures;
  }
  void CloseConnections() override { ++closes; }
  void Run(const std::shared_ptr<ConnectionWalk>& walk) override { walks.push_back(walk); }
  uint64_t connections() const override { return open; }
  std::string access_log_error() const override { return log_error; }

  std::vector<BindFailure> failures;  // What the next binds fail with.
  std::shared_ptr<const Tables> in_force;
  bool accepting = true;
  int closes = 0;
  std::vector<std::shared_ptr<ConnectionWalk>> walks;  // Each time one was to run.
  uint64_t open = 0;
  std::string log_error;
};

}  // namespace lb::dataplane
