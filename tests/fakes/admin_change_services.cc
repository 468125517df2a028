#include "tests/fakes/admin_change_services.h"

#include "lb/admin/v1/backend.grpc.pb.h"
#include "lb/admin/v1/config.grpc.pb.h"
#include "lb/admin/v1/connection.grpc.pb.h"
#include "lb/admin/v1/log.grpc.pb.h"

namespace lb::fakes {
namespace {

namespace api = lb::admin::v1;

// Notes the request, then gives the fault of the moment or the canned answer.
template <typename Request, typename Response>
grpc::Status Answer(AdminState& state, grpc::ServerContext* context, const Request& request,
                    std::vector<Request>& seen, const Response& answer, Response* response) {
  std::unique_lock lock(state.mutex);
  seen.push_back(request);
  if (grpc::Status status = state.Enter(context, lock); !status.ok()) return status;
  *response = answer;
  return grpc::Status::OK;
}

class ConfigService final : public api::ConfigService::Service {
 public:
  explicit ConfigService(AdminState& state) : state_(state) {}

  grpc::Status ApplyConfig(grpc::ServerContext* context, const api::ApplyConfigRequest* request,
                           api::ApplyConfigResponse* response) override {
    return Answer(state_, context, *request, state_.seen.applies, state_.data.changes.applied,
                  response);
  }
  grpc::Status PlanConfig(grpc::ServerContext* context, const api::PlanConfigRequest* request,
                          api::PlanConfigResponse* response) override {
    return Answer(state_, context, *request, state_.seen.plans, state_.data.changes.plan, response);
  }
  grpc::Status ConfirmConfig(grpc::ServerContext* context, const api::ConfirmConfigRequest* request,
                             api::Config* response) override {
    return Answer(state_, context, *request, state_.seen.confirms,
                  state_.data.changes.applied.config(), response);
  }
  grpc::Status RollbackConfig(grpc::ServerContext* context,
                              const api::RollbackConfigRequest* request,
                              api::ApplyConfigResponse* response) override {
    return Answer(state_, context, *request, state_.seen.rollbacks, state_.data.changes.applied,
                  response);
  }
  grpc::Status GetConfig(grpc::ServerContext* context, const api::GetConfigRequest* request,
                         api::Config* response) override {
    std::string name = request->name();
    {
      const std::lock_guard lock(state_.mutex);
      const std::vector<api::Config>& all = state_.data.changes.configs;
      if (name == "configs/-" && !all.empty()) name = all[0].name();
    }
    return state_.Get(context, state_.data.changes.configs, name, response);
  }
  grpc::Status ListConfigs(grpc::ServerContext* context, const api::ListConfigsRequest* request,
                           api::ListConfigsResponse* response) override {
    return state_.List(context, state_.data.changes.configs, *request, response,
                       [](auto* page) { return page->add_configs(); });
  }
  grpc::Status GetRollout(grpc::ServerContext* context, const api::GetRolloutRequest*,
                          api::Rollout* response) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    const std::vector<api::Rollout>& all = state_.data.changes.rollouts;
    if (!all.empty()) *response = all[0];
    return grpc::Status::OK;
  }
  grpc::Status WatchRollout(grpc::ServerContext* context, const api::WatchRolloutRequest*,
                            grpc::ServerWriter<api::Rollout>* writer) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    for (const api::Rollout& rollout : state_.data.changes.rollouts) writer->Write(rollout);
    const auto end = context->deadline() + std::chrono::seconds(1);
    if (state_.data.changes.rollout_goes_on)
      state_.stopping.wait_until(lock, end, [this] { return state_.stopped; });
    return grpc::Status::OK;
  }

 private:
  AdminState& state_;
};

class BackendService final : public api::BackendService::Service {
 public:
  explicit BackendService(AdminState& state) : state_(state) {}

  grpc::Status DrainBackend(grpc::ServerContext* context, const api::DrainBackendRequest* request,
                            api::Operation* response) override {
    api::Backend backend;
    grpc::Status status = Change(context, *request, state_.seen.drains, &backend);
    const std::lock_guard lock(state_.mutex);
    *response = state_.data.changes.drained;
    response->set_name("operations/7");
    return status;
  }
  grpc::Status UndrainBackend(grpc::ServerContext* context,
                              const api::UndrainBackendRequest* request,
                              api::Backend* response) override {
    grpc::Status status = Change(context, *request, state_.seen.undrains, response);
    response->set_admin_state(lb::type::v1::ADMIN_STATE_READY);
    return status;
  }
  grpc::Status MaintainBackend(grpc::ServerContext* context,
                               const api::MaintainBackendRequest* request,
                               api::Backend* response) override {
    grpc::Status status = Change(context, *request, state_.seen.maintains, response);
    response->set_admin_state(lb::type::v1::ADMIN_STATE_MAINT);
    return status;
  }
  grpc::Status SetBackendWeight(grpc::ServerContext* context,
                                const api::SetBackendWeightRequest* request,
                                api::Backend* response) override {
    grpc::Status status = Change(context, *request, state_.seen.weights, response);
    if (request->has_weight()) response->set_weight(request->weight());
    return status;
  }
  grpc::Status ResetBackend(grpc::ServerContext* context, const api::ResetBackendRequest* request,
                            api::Backend* response) override {
    return Change(context, *request, state_.seen.resets, response);
  }

 private:
  template <typename Request>
  grpc::Status Change(grpc::ServerContext* context, const Request& request,
                      std::vector<Request>& seen, api::Backend* response) {
    {
      const std::lock_guard lock(state_.mutex);
      seen.push_back(request);
    }
    return state_.Get(context, state_.data.backends, request.name(), response);
  }

  AdminState& state_;
};

class ConnectionService final : public api::ConnectionService::Service {
 public:
  explicit ConnectionService(AdminState& state) : state_(state) {}

  grpc::Status ListConnections(grpc::ServerContext* context,
                               const api::ListConnectionsRequest* request,
                               api::ListConnectionsResponse* response) override {
    return Answer(state_, context, *request, state_.seen.lists, state_.data.changes.connections,
                  response);
  }
  grpc::Status KillConnections(grpc::ServerContext* context,
                               const api::KillConnectionsRequest* request,
                               api::Operation* response) override {
    return Answer(state_, context, *request, state_.seen.kills, state_.data.changes.killed,
                  response);
  }

 private:
  AdminState& state_;
};

class LogService final : public api::LogService::Service {
 public:
  explicit LogService(AdminState& state) : state_(state) {}

  grpc::Status GetLogLevels(grpc::ServerContext* context, const api::GetLogLevelsRequest*,
                            api::GetLogLevelsResponse* response) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response = state_.data.changes.levels;
    return grpc::Status::OK;
  }
  grpc::Status SetLogLevel(grpc::ServerContext* context, const api::SetLogLevelRequest* request,
                           api::GetLogLevelsResponse* response) override {
    return Answer(state_, context, *request, state_.seen.levels, state_.data.changes.levels,
                  response);
  }

 private:
  AdminState& state_;
};

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeChangeServices(AdminState& state) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<ConfigService>(state));
  services.push_back(std::make_unique<BackendService>(state));
  services.push_back(std::make_unique<ConnectionService>(state));
  services.push_back(std::make_unique<LogService>(state));
  return services;
}

}  // namespace lb::fakes
