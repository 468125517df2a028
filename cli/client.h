// The admin API as plain calls: each with a deadline, errors as absl::Status with reason and hint.
//
// gRPC stays behind the pimpl. Unix sockets only. Threading: one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/endpoints.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/backend.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/connection.pb.h"
#include "lb/admin/v1/log.pb.h"
#include "lb/admin/v1/member.pb.h"

namespace lb::cli {

namespace api = lb::admin::v1;

class Channel;

class AdminClient final {
 public:
  struct Options {
    Endpoints endpoints;                   // Tried in order.
    std::chrono::milliseconds timeout{0};  // For connecting to one endpoint, and for one call.
    bool verbose = false;                  // Each call with its time on stderr.
  };

  // Connects to the first endpoint that answers. Errors: Unavailable naming each endpoint, the
  // cause and what to do; InvalidArgument for what is no endpoint, and for TCP without TLS files.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const Options& options);
  ~AdminClient();

  // The connection alone, for the clients of other services; declared in channel.h.
  static absl::StatusOr<Channel> Dial(const Options& options);

  absl::StatusOr<api::Status> GetStatus();
  absl::StatusOr<api::Rule> GetRule(const std::string& name);
  absl::StatusOr<api::Backend> GetBackend(const std::string& name);
  absl::StatusOr<api::Worker> GetWorker(const std::string& name);

  // All pages of what matches the filter (docs/api.md; empty: all). Internal when the server's
  // pages never end.
  absl::StatusOr<std::vector<api::Rule>> ListRules(const std::string& filter = "");
  absl::StatusOr<std::vector<api::Backend>> ListBackends(const std::string& parent,
                                                         const std::string& filter = "");
  absl::StatusOr<std::vector<api::Worker>> ListWorkers(const std::string& filter = "");
  absl::StatusOr<std::vector<api::Operation>> ListOperations(const std::string& filter = "");
  absl::StatusOr<std::vector<api::Certificate>> ListCertificates(const std::string& filter = "");
  absl::StatusOr<std::vector<api::Member>> ListMembers(const std::string& filter = "");

  absl::StatusOr<api::Operation> DrainWorker(const api::DrainWorkerRequest& request);
  absl::StatusOr<api::Operation> UndrainWorker(const api::UndrainWorkerRequest& request);
  absl::StatusOr<api::Operation> CancelOperation(const api::CancelOperationRequest& request);
  absl::StatusOr<api::Operation> GetOperation(const std::string& name);

  absl::StatusOr<api::Operation> DrainBackend(const api::DrainBackendRequest& request);
  absl::StatusOr<api::Backend> UndrainBackend(const api::UndrainBackendRequest& request);
  absl::StatusOr<api::Backend> MaintainBackend(const api::MaintainBackendRequest& request);
  absl::StatusOr<api::Backend> SetBackendWeight(const api::SetBackendWeightRequest& request);
  absl::StatusOr<api::Backend> ResetBackend(const api::ResetBackendRequest& request);

  absl::StatusOr<api::ListConnectionsResponse> ListConnections(
      const api::ListConnectionsRequest& request);
  absl::StatusOr<api::Operation> KillConnections(const api::KillConnectionsRequest& request);

  absl::StatusOr<api::Member> GetMember(const std::string& name);
  absl::StatusOr<api::JoinMembersResponse> JoinMembers(const api::JoinMembersRequest& request);
  absl::StatusOr<api::Member> ForgetMember(const api::ForgetMemberRequest& request);
  absl::StatusOr<api::ListKeysResponse> ListKeys();
  absl::StatusOr<api::ChangeKeyResponse> ChangeKey(const api::ChangeKeyRequest& request);
  absl::StatusOr<api::LeaveClusterResponse> LeaveCluster(const api::LeaveClusterRequest& request);

  absl::StatusOr<api::GetLogLevelsResponse> GetLogLevels();
  absl::StatusOr<api::GetLogLevelsResponse> SetLogLevel(const api::SetLogLevelRequest& request);

 private:
  struct Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::cli
