#include "controlplane/shell/operator_services.h"

#include "lb/admin/v1/backend.grpc.pb.h"
#include "lb/admin/v1/connection.grpc.pb.h"
#include "lb/admin/v1/log.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace v1 = admin::v1;
using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

template <typename Request, typename Response>
Reactor* Ask(const CallSink& sink, Context* context, const Request* request, Response* response) {
  return new UnaryCall<Request, Response>(sink, *context, *request, response);
}

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

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeOperatorServices(const CallSink& sink) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<Backends>(sink));
  services.push_back(std::make_unique<Connections>(sink));
  services.push_back(std::make_unique<Logs>(sink));
  return services;
}

}  // namespace lb::controlplane
