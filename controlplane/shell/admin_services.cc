#include "controlplane/shell/admin_services.h"

#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/backend.grpc.pb.h"
#include "lb/admin/v1/certificate.grpc.pb.h"
#include "lb/admin/v1/config.grpc.pb.h"
#include "lb/admin/v1/connection.grpc.pb.h"
#include "lb/admin/v1/event.grpc.pb.h"
#include "lb/admin/v1/limit.grpc.pb.h"
#include "lb/admin/v1/log.grpc.pb.h"
#include "lb/admin/v1/member.grpc.pb.h"
#include "lb/admin/v1/watch.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace v1 = admin::v1;
using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

template <typename Request, typename Response>
Reactor* Ask(const CallSink& sink, Context* context, const Request* request, Response* response) {
  return new UnaryCall<Request, Response>(sink, *context, *request, response);
}

class Status final : public v1::StatusService::CallbackService {
 public:
  explicit Status(const CallSink& sink) : sink_(sink) {}
  Reactor* GetStatus(Context* context, const v1::GetStatusRequest* request,
                     v1::Status* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Rules final : public v1::RuleService::CallbackService {
 public:
  explicit Rules(const CallSink& sink) : sink_(sink) {}
  Reactor* GetRule(Context* context, const v1::GetRuleRequest* request,
                   v1::Rule* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListRules(Context* context, const v1::ListRulesRequest* request,
                     v1::ListRulesResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* GetBackend(Context* context, const v1::GetBackendRequest* request,
                      v1::Backend* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListBackends(Context* context, const v1::ListBackendsRequest* request,
                        v1::ListBackendsResponse* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Workers final : public v1::WorkerService::CallbackService {
 public:
  explicit Workers(const CallSink& sink) : sink_(sink) {}
  Reactor* GetWorker(Context* context, const v1::GetWorkerRequest* request,
                     v1::Worker* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListWorkers(Context* context, const v1::ListWorkersRequest* request,
                       v1::ListWorkersResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* DrainWorker(Context* context, const v1::DrainWorkerRequest* request,
                       v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* UndrainWorker(Context* context, const v1::UndrainWorkerRequest* request,
                         v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Configs final : public v1::ConfigService::CallbackService {
 public:
  explicit Configs(const CallSink& sink) : sink_(sink) {}
  Reactor* ValidateConfig(Context* context, const v1::ValidateConfigRequest* request,
                          v1::ValidateConfigResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* PlanConfig(Context* context, const v1::PlanConfigRequest* request,
                      v1::PlanConfigResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ApplyConfig(Context* context, const v1::ApplyConfigRequest* request,
                       v1::ApplyConfigResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ConfirmConfig(Context* context, const v1::ConfirmConfigRequest* request,
                         v1::Config* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* RollbackConfig(Context* context, const v1::RollbackConfigRequest* request,
                          v1::ApplyConfigResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* GetConfig(Context* context, const v1::GetConfigRequest* request,
                     v1::Config* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListConfigs(Context* context, const v1::ListConfigsRequest* request,
                       v1::ListConfigsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* GetRollout(Context* context, const v1::GetRolloutRequest* request,
                      v1::Rollout* response) override {
    return Ask(sink_, context, request, response);
  }
  grpc::ServerWriteReactor<v1::Rollout>* WatchRollout(
      Context* context, const v1::WatchRolloutRequest* request) override {
    return new StreamCall<v1::WatchRolloutRequest, v1::Rollout>(sink_, *context, *request);
  }

 private:
  const CallSink& sink_;
};

class Events final : public v1::EventService::CallbackService {
 public:
  explicit Events(const CallSink& sink) : sink_(sink) {}
  Reactor* ListEvents(Context* context, const v1::ListEventsRequest* request,
                      v1::ListEventsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  grpc::ServerWriteReactor<v1::Event>* WatchEvents(Context* context,
                                                   const v1::WatchEventsRequest* request) override {
    return new StreamCall<v1::WatchEventsRequest, v1::Event>(sink_, *context, *request);
  }

 private:
  const CallSink& sink_;
};

class Operations final : public v1::OperationService::CallbackService {
 public:
  explicit Operations(const CallSink& sink) : sink_(sink) {}
  Reactor* GetOperation(Context* context, const v1::GetOperationRequest* request,
                        v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListOperations(Context* context, const v1::ListOperationsRequest* request,
                          v1::ListOperationsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* WaitOperation(Context* context, const v1::WaitOperationRequest* request,
                         v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* CancelOperation(Context* context, const v1::CancelOperationRequest* request,
                           v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Watches final : public v1::WatchService::CallbackService {
 public:
  explicit Watches(const CallSink& sink) : sink_(sink) {}
  grpc::ServerWriteReactor<v1::ResourceChange>* WatchResources(
      Context* context, const v1::WatchResourcesRequest* request) override {
    return new StreamCall<v1::WatchResourcesRequest, v1::ResourceChange>(sink_, *context, *request);
  }

 private:
  const CallSink& sink_;
};

class Backends final : public v1::BackendService::CallbackService {
 public:
  explicit Backends(const CallSink& sink) : sink_(sink) {}
  Reactor* DrainBackend(Context* context, const v1::DrainBackendRequest* request,
                        v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* UndrainBackend(Context* context, const v1::UndrainBackendRequest* request,
                          v1::Backend* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* MaintainBackend(Context* context, const v1::MaintainBackendRequest* request,
                           v1::Backend* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* SetBackendWeight(Context* context, const v1::SetBackendWeightRequest* request,
                            v1::Backend* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ResetBackend(Context* context, const v1::ResetBackendRequest* request,
                        v1::Backend* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Connections final : public v1::ConnectionService::CallbackService {
 public:
  explicit Connections(const CallSink& sink) : sink_(sink) {}
  Reactor* ListConnections(Context* context, const v1::ListConnectionsRequest* request,
                           v1::ListConnectionsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* KillConnections(Context* context, const v1::KillConnectionsRequest* request,
                           v1::Operation* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Limits final : public v1::LimitService::CallbackService {
 public:
  explicit Limits(const CallSink& sink) : sink_(sink) {}
  Reactor* ListLimits(Context* context, const v1::ListLimitsRequest* request,
                      v1::ListLimitsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListClients(Context* context, const v1::ListClientsRequest* request,
                       v1::ListClientsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ExplainConnection(Context* context, const v1::ExplainConnectionRequest* request,
                             v1::ExplainConnectionResponse* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Certificates final : public v1::CertificateService::CallbackService {
 public:
  explicit Certificates(const CallSink& sink) : sink_(sink) {}
  Reactor* ListCertificates(Context* context, const v1::ListCertificatesRequest* request,
                            v1::ListCertificatesResponse* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Members final : public v1::MemberService::CallbackService {
 public:
  explicit Members(const CallSink& sink) : sink_(sink) {}
  Reactor* ListMembers(Context* context, const v1::ListMembersRequest* request,
                       v1::ListMembersResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* GetMember(Context* context, const v1::GetMemberRequest* request,
                     v1::Member* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* JoinMembers(Context* context, const v1::JoinMembersRequest* request,
                       v1::JoinMembersResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ForgetMember(Context* context, const v1::ForgetMemberRequest* request,
                        v1::Member* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ListKeys(Context* context, const v1::ListKeysRequest* request,
                    v1::ListKeysResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* ChangeKey(Context* context, const v1::ChangeKeyRequest* request,
                     v1::ChangeKeyResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* LeaveCluster(Context* context, const v1::LeaveClusterRequest* request,
                        v1::LeaveClusterResponse* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

class Logs final : public v1::LogService::CallbackService {
 public:
  explicit Logs(const CallSink& sink) : sink_(sink) {}
  Reactor* GetLogLevels(Context* context, const v1::GetLogLevelsRequest* request,
                        v1::GetLogLevelsResponse* response) override {
    return Ask(sink_, context, request, response);
  }
  Reactor* SetLogLevel(Context* context, const v1::SetLogLevelRequest* request,
                       v1::GetLogLevelsResponse* response) override {
    return Ask(sink_, context, request, response);
  }

 private:
  const CallSink& sink_;
};

template <typename... Services>
std::vector<std::unique_ptr<grpc::Service>> Make(const CallSink& sink) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  (services.push_back(std::make_unique<Services>(sink)), ...);
  return services;
}

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeAdminServices(const CallSink& sink) {
  return Make<Status, Rules, Workers, Operations, Configs, Events, Watches, Backends, Connections,
              Limits, Certificates, Members, Logs>(sink);
}

}  // namespace lb::controlplane
