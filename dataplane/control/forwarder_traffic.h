// The Forwarder behind the seam of the lanes. Threading: the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/control/traffic.h"
#include "dataplane/forward/forwarder.h"

namespace lb::dataplane {

class ForwarderTraffic final : public Traffic {
 public:
  // `forwarder` outlives this.
  explicit ForwarderTraffic(Forwarder& forwarder) : forwarder_(forwarder) {}

  std::vector<BindFailure> Apply(std::shared_ptr<const Tables> tables) override {
    return Convert(forwarder_.Apply(std::move(tables)));
  }
  void StopAccepting() override { forwarder_.StopAccepting(); }
  std::vector<BindFailure> ResumeAccepting() override {
    return Convert(forwarder_.ResumeAccepting());
  }
  void CloseConnections() override { forwarder_.CloseConnections(); }
  void Run(const std::shared_ptr<ConnectionWalk>& walk) override { forwarder_.Run(walk); }
  uint64_t connections() const override { return forwarder_.connections(); }
  std::string access_log_error() const override { return forwarder_.access_log_error(); }

 private:
  static std::vector<BindFailure> Convert(std::vector<Forwarder::BindFailure> failures) {
    std::vector<BindFailure> converted;
    for (auto& failure : failures) {
      converted.push_back({std::move(failure.rule), std::move(failure.listen), failure.error});
    }
    return converted;
  }

  Forwarder& forwarder_;
};

}  // namespace lb::dataplane
