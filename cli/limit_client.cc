#include "cli/limit_client.h"

#include <utility>

#include "base/status_macros.h"
#include "cli/channel.h"
#include "cli/client.h"
#include "lb/admin/v1/limit.grpc.pb.h"

namespace lb::cli {

using Stub = api::LimitService::Stub;

struct LimitClient::Impl {
  explicit Impl(Channel connected)
      : channel(std::move(connected)), stub(api::LimitService::NewStub(channel.grpc())) {}

  Channel channel;
  std::unique_ptr<Stub> stub;
};

LimitClient::LimitClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LimitClient::~LimitClient() = default;

absl::StatusOr<std::unique_ptr<LimitClient>> LimitClient::Connect(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(Channel channel,
                      AdminClient::Dial({globals.endpoints, globals.timeout, globals.verbose}));
  return std::unique_ptr<LimitClient>(new LimitClient(std::make_unique<Impl>(std::move(channel))));
}

absl::StatusOr<api::ListLimitsResponse> LimitClient::ListLimits(
    const api::ListLimitsRequest& request) {
  api::ListLimitsResponse response;
  LB_RETURN_IF_ERROR(
      impl_->channel.Call(*impl_->stub, &Stub::ListLimits, "ListLimits", request, response));
  return response;
}

absl::StatusOr<api::ListClientsResponse> LimitClient::ListClients(
    const api::ListClientsRequest& request) {
  api::ListClientsResponse response;
  LB_RETURN_IF_ERROR(
      impl_->channel.Call(*impl_->stub, &Stub::ListClients, "ListClients", request, response));
  return response;
}

absl::StatusOr<api::ExplainConnectionResponse> LimitClient::Explain(
    const api::ExplainConnectionRequest& request) {
  api::ExplainConnectionResponse response;
  LB_RETURN_IF_ERROR(impl_->channel.Call(*impl_->stub, &Stub::ExplainConnection,
                                         "ExplainConnection", request, response));
  return response;
}

}  // namespace lb::cli
