#include "cli/client.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/channel.h"
#include "cli/exit_code.h"
#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/backend.grpc.pb.h"
#include "lb/admin/v1/certificate.grpc.pb.h"
#include "lb/admin/v1/connection.grpc.pb.h"
#include "lb/admin/v1/log.grpc.pb.h"
#include "lb/admin/v1/member.grpc.pb.h"

namespace lb::cli {

struct AdminClient::Impl {
  explicit Impl(Channel connected)
      : channel(std::move(connected)),
        status(api::StatusService::NewStub(channel.grpc())),
        rules(api::RuleService::NewStub(channel.grpc())),
        workers(api::WorkerService::NewStub(channel.grpc())),
        operations(api::OperationService::NewStub(channel.grpc())),
        backends(api::BackendService::NewStub(channel.grpc())),
        connections(api::ConnectionService::NewStub(channel.grpc())),
        certificates(api::CertificateService::NewStub(channel.grpc())),
        members(api::MemberService::NewStub(channel.grpc())),
        logs(api::LogService::NewStub(channel.grpc())) {}

  // A call with nothing to add.
  template <typename Response, typename Stub, typename Method, typename Request>
  absl::StatusOr<Response> Call(Stub& stub, Method method, const char* name,
                                const Request& request) {
    Response response;
    LB_RETURN_IF_ERROR(channel.Call(stub, method, name, request, response));
    return response;
  }

  Channel channel;
  std::unique_ptr<api::StatusService::Stub> status;
  std::unique_ptr<api::RuleService::Stub> rules;
  std::unique_ptr<api::WorkerService::Stub> workers;
  std::unique_ptr<api::OperationService::Stub> operations;
  std::unique_ptr<api::BackendService::Stub> backends;
  std::unique_ptr<api::ConnectionService::Stub> connections;
  std::unique_ptr<api::CertificateService::Stub> certificates;
  std::unique_ptr<api::MemberService::Stub> members;
  std::unique_ptr<api::LogService::Stub> logs;
};

namespace {

// Moves the items of one page behind those of the pages before.
template <typename Items, typename Item>
void Append(Items& page, std::vector<Item>& all) {
  for (Item& item : page) all.push_back(std::move(item));
}

}  // namespace

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Connect(const Options& options) {
  LB_ASSIGN_OR_RETURN(Channel channel, Dial(options));
  return std::unique_ptr<AdminClient>(new AdminClient(std::make_unique<Impl>(std::move(channel))));
}

absl::StatusOr<Channel> AdminClient::Dial(const Options& options) {
  for (const std::string& endpoint : options.endpoints)
    LB_RETURN_IF_ERROR(Channel::Check(endpoint, options.endpoints));
  absl::Status first_error;
  std::string others;
  for (const std::string& endpoint : options.endpoints) {
    absl::StatusOr<Channel> channel =
        Channel::Dial(endpoint, options.endpoints, options.timeout, options.verbose);
    if (channel.ok()) return channel;
    if (first_error.ok()) {
      first_error = channel.status();
    } else {
      absl::StrAppend(&others, "\nalso tried: ", channel.status().message());
    }
  }
  SetHint(first_error, GetHint(first_error) + others);
  return first_error;
}

absl::StatusOr<api::Status> AdminClient::GetStatus() {
  api::Status response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->status, &api::StatusService::Stub::GetStatus,
                                         "GetStatus", api::GetStatusRequest(), response));
  return response;
}

absl::StatusOr<api::Rule> AdminClient::GetRule(const std::string& name) {
  api::GetRuleRequest request;
  request.set_name(name);
  api::Rule response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->rules, &api::RuleService::Stub::GetRule, "GetRule",
                                         request, response));
  return response;
}

absl::StatusOr<api::Backend> AdminClient::GetBackend(const std::string& name) {
  api::GetBackendRequest request;
  request.set_name(name);
  api::Backend response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->rules, &api::RuleService::Stub::GetBackend,
                                         "GetBackend", request, response));
  return response;
}

absl::StatusOr<api::Worker> AdminClient::GetWorker(const std::string& name) {
  api::GetWorkerRequest request;
  request.set_name(name);
  api::Worker response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->workers, &api::WorkerService::Stub::GetWorker,
                                         "GetWorker", request, response));
  return response;
}

absl::StatusOr<std::vector<api::Rule>> AdminClient::ListRules(const std::string& filter) {
  api::ListRulesRequest request;
  request.set_filter(filter);
  std::vector<api::Rule> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->rules, &api::RuleService::Stub::ListRules, "ListRules", request,
      [&all](api::ListRulesResponse& page) { Append(*page.mutable_rules(), all); }));
  return all;
}

absl::StatusOr<std::vector<api::Backend>> AdminClient::ListBackends(const std::string& parent,
                                                                    const std::string& filter) {
  api::ListBackendsRequest request;
  request.set_filter(filter);
  request.set_parent(parent);
  std::vector<api::Backend> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->rules, &api::RuleService::Stub::ListBackends, "ListBackends", request,
      [&all](api::ListBackendsResponse& page) { Append(*page.mutable_backends(), all); }));
  return all;
}

absl::StatusOr<std::vector<api::Worker>> AdminClient::ListWorkers(const std::string& filter) {
  api::ListWorkersRequest request;
  request.set_filter(filter);
  std::vector<api::Worker> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->workers, &api::WorkerService::Stub::ListWorkers, "ListWorkers", request,
      [&all](api::ListWorkersResponse& page) { Append(*page.mutable_workers(), all); }));
  return all;
}

absl::StatusOr<std::vector<api::Operation>> AdminClient::ListOperations(const std::string& filter) {
  api::ListOperationsRequest request;
  request.set_filter(filter);
  std::vector<api::Operation> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->operations, &api::OperationService::Stub::ListOperations, "ListOperations", request,
      [&all](api::ListOperationsResponse& page) { Append(*page.mutable_operations(), all); }));
  return all;
}

absl::StatusOr<std::vector<api::Certificate>> AdminClient::ListCertificates(
    const std::string& filter) {
  api::ListCertificatesRequest request;
  request.set_filter(filter);
  std::vector<api::Certificate> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->certificates, &api::CertificateService::Stub::ListCertificates, "ListCertificates",
      request,
      [&all](api::ListCertificatesResponse& page) { Append(*page.mutable_certificates(), all); }));
  return all;
}

absl::StatusOr<std::vector<api::Member>> AdminClient::ListMembers(const std::string& filter) {
  api::ListMembersRequest request;
  request.set_filter(filter);
  std::vector<api::Member> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(
      *impl_->members, &api::MemberService::Stub::ListMembers, "ListMembers", request,
      [&all](api::ListMembersResponse& page) { Append(*page.mutable_members(), all); }));
  return all;
}

absl::StatusOr<api::Operation> AdminClient::DrainWorker(const api::DrainWorkerRequest& request) {
  return impl_->Call<api::Operation>(*impl_->workers, &api::WorkerService::Stub::DrainWorker,
                                     "DrainWorker", request);
}

absl::StatusOr<api::Operation> AdminClient::UndrainWorker(
    const api::UndrainWorkerRequest& request) {
  return impl_->Call<api::Operation>(*impl_->workers, &api::WorkerService::Stub::UndrainWorker,
                                     "UndrainWorker", request);
}

absl::StatusOr<api::Operation> AdminClient::GetOperation(const std::string& name) {
  api::GetOperationRequest request;
  request.set_name(name);
  api::Operation response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->operations,
                                         &api::OperationService::Stub::GetOperation, "GetOperation",
                                         request, response));
  return response;
}

absl::StatusOr<api::Operation> AdminClient::CancelOperation(
    const api::CancelOperationRequest& request) {
  return impl_->Call<api::Operation>(*impl_->operations,
                                     &api::OperationService::Stub::CancelOperation,
                                     "CancelOperation", request);
}

absl::StatusOr<api::Operation> AdminClient::DrainBackend(const api::DrainBackendRequest& request) {
  return impl_->Call<api::Operation>(*impl_->backends, &api::BackendService::Stub::DrainBackend,
                                     "DrainBackend", request);
}

absl::StatusOr<api::Backend> AdminClient::UndrainBackend(
    const api::UndrainBackendRequest& request) {
  return impl_->Call<api::Backend>(*impl_->backends, &api::BackendService::Stub::UndrainBackend,
                                   "UndrainBackend", request);
}

absl::StatusOr<api::Backend> AdminClient::MaintainBackend(
    const api::MaintainBackendRequest& request) {
  return impl_->Call<api::Backend>(*impl_->backends, &api::BackendService::Stub::MaintainBackend,
                                   "MaintainBackend", request);
}

absl::StatusOr<api::Backend> AdminClient::SetBackendWeight(
    const api::SetBackendWeightRequest& request) {
  return impl_->Call<api::Backend>(*impl_->backends, &api::BackendService::Stub::SetBackendWeight,
                                   "SetBackendWeight", request);
}

absl::StatusOr<api::Backend> AdminClient::ResetBackend(const api::ResetBackendRequest& request) {
  return impl_->Call<api::Backend>(*impl_->backends, &api::BackendService::Stub::ResetBackend,
                                   "ResetBackend", request);
}

absl::StatusOr<api::ListConnectionsResponse> AdminClient::ListConnections(
    const api::ListConnectionsRequest& request) {
  return impl_->Call<api::ListConnectionsResponse>(*impl_->connections,
                                                   &api::ConnectionService::Stub::ListConnections,
                                                   "ListConnections", request);
}

absl::StatusOr<api::Operation> AdminClient::KillConnections(
    const api::KillConnectionsRequest& request) {
  return impl_->Call<api::Operation>(*impl_->connections,
                                     &api::ConnectionService::Stub::KillConnections,
                                     "KillConnections", request);
}

absl::StatusOr<api::Member> AdminClient::GetMember(const std::string& name) {
  api::GetMemberRequest request;
  request.set_name(name);
  return impl_->Call<api::Member>(*impl_->members, &api::MemberService::Stub::GetMember,
                                  "GetMember", request);
}

absl::StatusOr<api::JoinMembersResponse> AdminClient::JoinMembers(
    const api::JoinMembersRequest& request) {
  return impl_->Call<api::JoinMembersResponse>(
      *impl_->members, &api::MemberService::Stub::JoinMembers, "JoinMembers", request);
}

absl::StatusOr<api::ListKeysResponse> AdminClient::ListKeys() {
  return impl_->Call<api::ListKeysResponse>(*impl_->members, &api::MemberService::Stub::ListKeys,
                                            "ListKeys", api::ListKeysRequest());
}

absl::StatusOr<api::ChangeKeyResponse> AdminClient::ChangeKey(
    const api::ChangeKeyRequest& request) {
  return impl_->Call<api::ChangeKeyResponse>(*impl_->members, &api::MemberService::Stub::ChangeKey,
                                             "ChangeKey", request);
}

absl::StatusOr<api::LeaveClusterResponse> AdminClient::LeaveCluster(
    const api::LeaveClusterRequest& request) {
  return impl_->Call<api::LeaveClusterResponse>(
      *impl_->members, &api::MemberService::Stub::LeaveCluster, "LeaveCluster", request);
}

absl::StatusOr<api::Member> AdminClient::ForgetMember(const api::ForgetMemberRequest& request) {
  return impl_->Call<api::Member>(*impl_->members, &api::MemberService::Stub::ForgetMember,
                                  "ForgetMember", request);
}

absl::StatusOr<api::GetLogLevelsResponse> AdminClient::GetLogLevels() {
  return impl_->Call<api::GetLogLevelsResponse>(*impl_->logs, &api::LogService::Stub::GetLogLevels,
                                                "GetLogLevels", api::GetLogLevelsRequest());
}

absl::StatusOr<api::GetLogLevelsResponse> AdminClient::SetLogLevel(
    const api::SetLogLevelRequest& request) {
  return impl_->Call<api::GetLogLevelsResponse>(*impl_->logs, &api::LogService::Stub::SetLogLevel,
                                                "SetLogLevel", request);
}

}  // namespace lb::cli
