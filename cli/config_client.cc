#include "cli/config_client.h"

#include <utility>

#include "base/status_macros.h"
#include "cli/channel.h"
#include "cli/client.h"
#include "cli/reach.h"
#include "lb/admin/v1/config.grpc.pb.h"

namespace lb::cli {

using Stub = api::ConfigService::Stub;

struct ConfigClient::Impl {
  explicit Impl(Channel connected)
      : channel(std::move(connected)), stub(api::ConfigService::NewStub(channel.grpc())) {}

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const char* name, const Request& request) const {
    Response response;
    LB_RETURN_IF_ERROR(channel.Call(*stub, method, name, request, response));
    return response;
  }

  Channel channel;
  std::unique_ptr<Stub> stub;
};

ConfigClient::ConfigClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConfigClient::~ConfigClient() = default;

absl::StatusOr<std::unique_ptr<ConfigClient>> ConfigClient::Connect(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(Channel channel,
                      AdminClient::Dial({globals.endpoints, globals.timeout, globals.verbose}));
  return std::unique_ptr<ConfigClient>(
      new ConfigClient(std::make_unique<Impl>(std::move(channel))));
}

absl::StatusOr<api::ApplyConfigResponse> ConfigClient::Apply(
    const api::ApplyConfigRequest& request) {
  return impl_->Call(&Stub::ApplyConfig, "ApplyConfig", request);
}

absl::StatusOr<api::PlanConfigResponse> ConfigClient::Plan(const std::string& content) {
  api::PlanConfigRequest request;
  request.set_content(content);
  return impl_->Call(&Stub::PlanConfig, "PlanConfig", request);
}

absl::StatusOr<api::Config> ConfigClient::Get(const std::string& name) {
  api::GetConfigRequest request;
  request.set_name(name);
  return impl_->Call(&Stub::GetConfig, "GetConfig", request);
}

absl::StatusOr<std::vector<api::Config>> ConfigClient::List() {
  std::vector<api::Config> all;
  LB_RETURN_IF_ERROR(impl_->channel.CallPaged(*impl_->stub, &Stub::ListConfigs, "ListConfigs",
                                              api::ListConfigsRequest(),
                                              [&all](api::ListConfigsResponse& page) {
                                                for (api::Config& config : *page.mutable_configs())
                                                  all.push_back(std::move(config));
                                              }));
  return all;
}

absl::StatusOr<api::Config> ConfigClient::Confirm(const api::ConfirmConfigRequest& request) {
  return impl_->Call(&Stub::ConfirmConfig, "ConfirmConfig", request);
}

absl::StatusOr<api::ApplyConfigResponse> ConfigClient::Rollback(
    const api::RollbackConfigRequest& request) {
  return impl_->Call(&Stub::RollbackConfig, "RollbackConfig", request);
}

absl::StatusOr<api::Rollout> ConfigClient::Rollout() {
  return impl_->Call(&Stub::GetRollout, "GetRollout", api::GetRolloutRequest());
}

absl::Status ConfigClient::WatchRollout(std::chrono::milliseconds wait,
                                        const std::function<void(const api::Rollout&)>& take) {
  grpc::ClientContext context;
  const auto start = std::chrono::system_clock::now();
  context.set_deadline(start + wait);
  const auto reader = impl_->stub->WatchRollout(&context, api::WatchRolloutRequest());
  api::Rollout rollout;
  while (reader->Read(&rollout)) take(rollout);
  return impl_->channel.Finish(reader->Finish(), context, "WatchRollout",
                               std::chrono::system_clock::now() - start);
}

}  // namespace lb::cli
