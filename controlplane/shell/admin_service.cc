#include "controlplane/shell/admin_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <functional>
#include <map>
#include <utility>

#include "controlplane/shell/status_to_grpc.h"
#include "lb/admin/v1/admin.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
namespace v1 = admin::v1;
using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;
using Done = std::function<void(Reply)>;
using Submit = std::function<void(AdminCall call, Done done)>;

// Any of gRPC's threads. `context` and `response` live until the reactor is finished.
template <typename Request, typename Response>
Reactor* Ask(const Submit& submit, Context* context, const Request* request, Response* response) {
  Reactor* const reactor = context->DefaultReactor();
  submit(AdminCall(*request), [context, response, reactor](Reply reply) {
    if (reply.status.ok()) {
      if (auto* answer = std::get_if<Response>(&reply.answer); answer != nullptr) {
        *response = std::move(*answer);
      } else {
        reply.status = absl::InternalError("the answer is of another type");
      }
    }
    if (!reply.reason.empty()) context->AddTrailingMetadata(AdminService::kReasonKey, reply.reason);
    reactor->Finish(ToGrpcStatus(reply.status));
  });
  return reactor;
}

class Status final : public v1::StatusService::CallbackService {
 public:
  explicit Status(Submit submit) : submit_(std::move(submit)) {}
  Reactor* GetStatus(Context* context, const v1::GetStatusRequest* request,
                     v1::Status* response) override {
    return Ask(submit_, context, request, response);
  }

 private:
  const Submit submit_;
};

class Rules final : public v1::RuleService::CallbackService {
 public:
  explicit Rules(Submit submit) : submit_(std::move(submit)) {}
  Reactor* GetRule(Context* context, const v1::GetRuleRequest* request,
                   v1::Rule* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* ListRules(Context* context, const v1::ListRulesRequest* request,
                     v1::ListRulesResponse* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* GetBackend(Context* context, const v1::GetBackendRequest* request,
                      v1::Backend* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* ListBackends(Context* context, const v1::ListBackendsRequest* request,
                        v1::ListBackendsResponse* response) override {
    return Ask(submit_, context, request, response);
  }

 private:
  const Submit submit_;
};

class Workers final : public v1::WorkerService::CallbackService {
 public:
  explicit Workers(Submit submit) : submit_(std::move(submit)) {}
  Reactor* GetWorker(Context* context, const v1::GetWorkerRequest* request,
                     v1::Worker* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* ListWorkers(Context* context, const v1::ListWorkersRequest* request,
                       v1::ListWorkersResponse* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* DrainWorker(Context* context, const v1::DrainWorkerRequest* request,
                       v1::Operation* response) override {
    return Ask(submit_, context, request, response);
  }
  Reactor* UndrainWorker(Context* context, const v1::UndrainWorkerRequest* request,
                         v1::Operation* response) override {
    return Ask(submit_, context, request, response);
  }

 private:
  const Submit submit_;
};

class Operations final : public v1::OperationService::CallbackService {
 public:
  explicit Operations(Submit submit) : submit_(std::move(submit)) {}
  Reactor* GetOperation(Context* context, const v1::GetOperationRequest* request,
                        v1::Operation* response) override {
    return Ask(submit_, context, request, response);
  }

 private:
  const Submit submit_;
};

Reply Refusal(absl::Status status, std::string reason) {
  Reply reply;
  reply.status = std::move(status);
  reply.reason = std::move(reason);
  return reply;
}

}  // namespace

class AdminService::Impl final : public std::enable_shared_from_this<AdminService::Impl> {
 public:
  Impl(asio::io_context& io, EventSink sink) : io_(io), sink_(std::move(sink)) {}

  void MakeServices() {
    const Submit submit = [this](AdminCall call, Done done) {
      SubmitCall(std::move(call), std::move(done));
    };
    status_ = std::make_unique<Status>(submit);
    rules_ = std::make_unique<Rules>(submit);
    workers_ = std::make_unique<Workers>(submit);
    operations_ = std::make_unique<Operations>(submit);
  }

  std::vector<grpc::Service*> services() {
    return {status_.get(), rules_.get(), workers_.get(), operations_.get()};
  }

  void Answer(Reply reply) {
    auto call = calls_.extract(reply.request);
    if (call.empty()) return;
    --under_way_;
    call.mapped()(std::move(reply));
  }

  void Stop() {
    stopping_ = true;
    while (!calls_.empty()) {
      Reply reply = Stopping();
      reply.request = calls_.begin()->first;
      Answer(std::move(reply));
    }
  }

 private:
  static Reply Stopping() {
    return Refusal(absl::UnavailableError("the control plane is stopping"), "STOPPING");
  }

  // On one of gRPC's threads.
  void SubmitCall(AdminCall call, Done done) {
    if (under_way_.fetch_add(1) >= kMaxCalls) {
      --under_way_;
      return done(Refusal(absl::ResourceExhaustedError("too many calls at once; try again"),
                          "TOO_MANY_CALLS"));
    }
    asio::post(
        io_, [self = shared_from_this(), call = std::move(call), done = std::move(done)]() mutable {
          self->Begin(std::move(call), std::move(done));
        });
  }

  void Begin(AdminCall call, Done done) {
    if (stopping_) {
      --under_way_;
      return done(Stopping());
    }
    const RequestId id = ++last_id_;
    calls_.emplace(id, std::move(done));
    sink_(AdminRequest{id, std::move(call), ReadClocks()});
  }

  asio::io_context& io_;
  EventSink sink_;
  std::unique_ptr<Status> status_;
  std::unique_ptr<Rules> rules_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Operations> operations_;
  std::map<RequestId, Done> calls_;
  std::atomic<size_t> under_way_{0};
  RequestId last_id_ = 0;
  bool stopping_ = false;
};

AdminService::AdminService(asio::io_context& io, EventSink sink)
    : impl_(std::make_shared<Impl>(io, std::move(sink))) {
  impl_->MakeServices();
}

AdminService::~AdminService() = default;

std::vector<grpc::Service*> AdminService::services() { return impl_->services(); }

void AdminService::Answer(Reply reply) { impl_->Answer(std::move(reply)); }

void AdminService::Stop() { impl_->Stop(); }

}  // namespace lb::controlplane
