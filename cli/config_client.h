// The calls of the admin API about configurations as a whole, on top of one connection.
//
// gRPC stays behind the pimpl. Threading: one thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/globals.h"
#include "lb/admin/v1/config.pb.h"

namespace lb::cli {

class ConfigClient final {
 public:
  // Connects as AdminClient::Connect does.
  static absl::StatusOr<std::unique_ptr<ConfigClient>> Connect(const Globals& globals);
  ~ConfigClient();

  absl::StatusOr<admin::v1::ApplyConfigResponse> Apply(
      const admin::v1::ApplyConfigRequest& request);
  absl::StatusOr<admin::v1::PlanConfigResponse> Plan(const std::string& content);
  absl::StatusOr<admin::v1::Config> Get(const std::string& name);
  // All pages.
  absl::StatusOr<std::vector<admin::v1::Config>> List();
  absl::StatusOr<admin::v1::Config> Confirm(const admin::v1::ConfirmConfigRequest& request);
  absl::StatusOr<admin::v1::ApplyConfigResponse> Rollback(
      const admin::v1::RollbackConfigRequest& request);
  absl::StatusOr<admin::v1::Rollout> Rollout();

  // Hands each state of the rollout to `take` until all workers have answered. DeadlineExceeded
  // after `wait`.
  absl::Status WatchRollout(std::chrono::milliseconds wait,
                            const std::function<void(const admin::v1::Rollout&)>& take);

 private:
  struct Impl;
  explicit ConfigClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::cli
