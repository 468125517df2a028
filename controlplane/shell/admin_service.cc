#include "controlplane/shell/admin_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "controlplane/access/rules.h"
#include "controlplane/shell/admin_call.h"
#include "controlplane/shell/audit.h"
#include "controlplane/shell/operator_services.h"
#include "controlplane/shell/peer_credentials.h"
#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/config.grpc.pb.h"
#include "lb/admin/v1/event.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
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

 private:
  const CallSink& sink_;
};

}  // namespace

class AdminService::Impl final : public std::enable_shared_from_this<AdminService::Impl> {
 public:
  Impl(asio::io_context& io, EventSink sink) : io_(io), sink_(std::move(sink)) {}

  void MakeServices() {
    calls_sink_ = {[this](const Context& context, AdminCall call, CallEnds ends) {
                     return Submit(context, std::move(call), std::move(ends));
                   },
                   [this](RequestId request) { Cancel(request); }};
    services_.push_back(std::make_unique<Status>(calls_sink_));
    services_.push_back(std::make_unique<Rules>(calls_sink_));
    services_.push_back(std::make_unique<Workers>(calls_sink_));
    services_.push_back(std::make_unique<Operations>(calls_sink_));
    services_.push_back(std::make_unique<Configs>(calls_sink_));
    services_.push_back(std::make_unique<Events>(calls_sink_));
    for (auto& service : MakeOperatorServices(calls_sink_)) services_.push_back(std::move(service));
  }

  std::vector<grpc::Service*> services() {
    std::vector<grpc::Service*> services;
    for (const auto& service : services_) services.push_back(service.get());
    return services;
  }

  void Stream(StreamItem item) {
    const auto call = calls_.find(item.request);
    if (call != calls_.end()) call->second.ends.stream(std::move(item.answer));
  }

  void Answer(Reply reply) {
    auto call = calls_.extract(reply.request);
    if (call.empty()) return;
    --under_way_;
    if (call.mapped().audited) {
      const LogFields line = audit_.Line(*call.mapped().audited, reply, ReadClocks().steady);
      if (!line.empty()) LogInfo("audit", line);
    }
    call.mapped().ends.done(std::move(reply));
  }

  void Stop() {
    stopping_ = true;
    while (!calls_.empty()) Answer(Stopping(calls_.begin()->first));
  }

 private:
  static Reply Stopping(RequestId request) {
    return {
        request, Failure{absl::UnavailableError("the control plane is stopping"), "STOPPING"}, {}};
  }

  // A call under way.
  struct Call {
    CallEnds ends;
    std::optional<AuditedCall> audited;
  };

  // On one of gRPC's threads.
  RequestId Submit(const Context& context, AdminCall call, CallEnds ends) {
    const RequestId id = ++last_id_;
    const std::optional<Identity> peer = PeerOf(context);
    if (under_way_.fetch_add(1) >= kMaxCalls) {
      --under_way_;
      ends.done({id,
                 Failure{absl::ResourceExhaustedError("too many calls at once; try again"),
                         "TOO_MANY_CALLS"},
                 {}});
      return id;
    }
    asio::post(io_, [self = shared_from_this(), id, peer, call = std::move(call),
                     ends = std::move(ends)]() mutable {
      self->Begin(id, peer, std::move(call), std::move(ends));
    });
    return id;
  }

  void Begin(RequestId id, const std::optional<Identity>& peer, AdminCall call, CallEnds ends) {
    if (stopping_) {
      --under_way_;
      return ends.done(Stopping(id));
    }
    const std::string method = MethodOf(call);
    const AccessRule* rule = FindAccessRule(method);
    Call& entry = calls_[id];
    entry.ends = std::move(ends);
    if (peer && (rule == nullptr || rule->mutates))
      entry.audited = DescribeCall(call, method, *peer);
    if (std::optional<Failure> refusal = CheckAdminCall(peer, method))
      return Answer({id, std::move(refusal), {}});
    sink_(AdminRequest{id, std::move(call), ReadClocks(), peer->caller});
  }

  // On one of gRPC's threads.
  void Cancel(RequestId id) {
    asio::post(io_, [self = shared_from_this(), id] {
      if (self->calls_.find(id) == self->calls_.end()) return;
      self->Answer({id, Failure{absl::CancelledError("the caller is gone"), "CANCELLED"}, {}});
      self->sink_(AdminCallEnded{id});
    });
  }

  asio::io_context& io_;
  EventSink sink_;
  CallSink calls_sink_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::map<RequestId, Call> calls_;
  Audit audit_;
  std::atomic<size_t> under_way_{0};
  std::atomic<RequestId> last_id_{0};
  bool stopping_ = false;
};

AdminService::AdminService(asio::io_context& io, EventSink sink)
    : impl_(std::make_shared<Impl>(io, std::move(sink))) {
  impl_->MakeServices();
}

AdminService::~AdminService() = default;

std::vector<grpc::Service*> AdminService::services() { return impl_->services(); }

void AdminService::Answer(Reply reply) { impl_->Answer(std::move(reply)); }

void AdminService::Stream(StreamItem item) { impl_->Stream(std::move(item)); }

void AdminService::Stop() { impl_->Stop(); }

}  // namespace lb::controlplane
