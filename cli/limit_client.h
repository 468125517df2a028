// The calls about limits and clients, on top of one connection.
//
// gRPC stays behind the pimpl. Threading: one thread.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "cli/globals.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::cli {

class LimitClient final {
 public:
  // Connects as AdminClient::Connect does.
  static absl::StatusOr<std::unique_ptr<LimitClient>> Connect(const Globals& globals);
  ~LimitClient();

  absl::StatusOr<admin::v1::ListLimitsResponse> ListLimits(
      const admin::v1::ListLimitsRequest& request);
  absl::StatusOr<admin::v1::ListClientsResponse> ListClients(
      const admin::v1::ListClientsRequest& request);
  absl::StatusOr<admin::v1::ExplainConnectionResponse> Explain(
      const admin::v1::ExplainConnectionRequest& request);

 private:
  struct Impl;
  explicit LimitClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::cli
