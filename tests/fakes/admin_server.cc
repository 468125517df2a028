#include "tests/fakes/admin_server.h"

#include <grpcpp/grpcpp.h>

#include "base/check.h"
#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/certificate.grpc.pb.h"
#include "lb/admin/v1/limit.grpc.pb.h"
#include "lb/admin/v1/member.grpc.pb.h"
#include "tests/fakes/admin_change_services.h"
#include "tests/fakes/admin_state.h"

namespace lb::fakes {
namespace {

namespace api = lb::admin::v1;

class StatusService final : public api::StatusService::Service {
 public:
  explicit StatusService(AdminState& state) : state_(state) {}
  grpc::Status GetStatus(grpc::ServerContext* context, const api::GetStatusRequest*,
                         api::Status* response) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response = state_.data.status;
    return grpc::Status::OK;
  }

 private:
  AdminState& state_;
};

class RuleService final : public api::RuleService::Service {
 public:
  explicit RuleService(AdminState& state) : state_(state) {}
  grpc::Status GetRule(grpc::ServerContext* context, const api::GetRuleRequest* request,
                       api::Rule* response) override {
    return state_.Get(context, state_.data.rules, request->name(), response);
  }
  grpc::Status ListRules(grpc::ServerContext* context, const api::ListRulesRequest* request,
                         api::ListRulesResponse* response) override {
    return state_.List(context, state_.data.rules, *request, response,
                       [](auto* page) { return page->add_rules(); });
  }
  grpc::Status GetBackend(grpc::ServerContext* context, const api::GetBackendRequest* request,
                          api::Backend* response) override {
    return state_.Get(context, state_.data.backends, request->name(), response);
  }
  grpc::Status ListBackends(grpc::ServerContext* context, const api::ListBackendsRequest* request,
                            api::ListBackendsResponse* response) override {
    const bool all = request->parent().empty() || request->parent() == "rules/-";
    std::vector<api::Backend> selected;
    {
      std::lock_guard lock(state_.mutex);
      for (const api::Backend& backend : state_.data.backends)
        if (all || backend.name().rfind(request->parent() + "/", 0) == 0)
          selected.push_back(backend);
    }
    if (!all && selected.empty())
      return {grpc::StatusCode::NOT_FOUND, "'" + request->parent() + "' does not exist"};
    return state_.List(context, selected, *request, response,
                       [](auto* page) { return page->add_backends(); });
  }

 private:
  AdminState& state_;
};

class WorkerService final : public api::WorkerService::Service {
 public:
  explicit WorkerService(AdminState& state) : state_(state) {}
  grpc::Status GetWorker(grpc::ServerContext* context, const api::GetWorkerRequest* request,
                         api::Worker* response) override {
    return state_.Get(context, state_.data.workers, request->name(), response);
  }
  grpc::Status ListWorkers(grpc::ServerContext* context, const api::ListWorkersRequest* request,
                           api::ListWorkersResponse* response) override {
    return state_.List(context, state_.data.workers, *request, response,
                       [](auto* page) { return page->add_workers(); });
  }
  grpc::Status DrainWorker(grpc::ServerContext* context, const api::DrainWorkerRequest* request,
                           api::Operation* response) override {
    return Order(context, *request, state_.drains, "DrainWorker", response);
  }
  grpc::Status UndrainWorker(grpc::ServerContext* context, const api::UndrainWorkerRequest* request,
                             api::Operation* response) override {
    response->set_done(!state_.data.undrain_waits);
    return Order(context, *request, state_.undrains, "UndrainWorker", response);
  }

 private:
  template <typename Request>
  grpc::Status Order(grpc::ServerContext* context, const Request& request,
                     std::vector<Request>& seen, const char* kind, api::Operation* response) {
    api::Worker worker;
    grpc::Status status = state_.Get(context, state_.data.workers, request.name(), &worker);
    if (!status.ok()) return status;
    std::lock_guard lock(state_.mutex);
    if (request.validate_only()) {
      response->set_done(true);
    } else {
      seen.push_back(request);
      response->set_name("operations/7");
    }
    response->set_kind(kind);
    response->set_target(request.name());
    response->set_connections_left(worker.connections());
    return status;
  }

  AdminState& state_;
};

class CertificateService final : public api::CertificateService::Service {
 public:
  explicit CertificateService(AdminState& state) : state_(state) {}
  grpc::Status ListCertificates(grpc::ServerContext* context,
                                const api::ListCertificatesRequest* request,
                                api::ListCertificatesResponse* response) override {
    return state_.List(context, state_.data.certificates, *request, response,
                       [](auto* page) { return page->add_certificates(); });
  }

 private:
  AdminState& state_;
};

class LimitService final : public api::LimitService::Service {
 public:
  explicit LimitService(AdminState& state) : state_(state) {}
  grpc::Status ListLimits(grpc::ServerContext* context, const api::ListLimitsRequest*,
                          api::ListLimitsResponse* response) override {
    std::unique_lock lock(state_.mutex);
    *response = state_.data.limits;
    return state_.Enter(context, lock);
  }
  grpc::Status ListClients(grpc::ServerContext* context, const api::ListClientsRequest*,
                           api::ListClientsResponse* response) override {
    std::unique_lock lock(state_.mutex);
    *response = state_.data.clients;
    return state_.Enter(context, lock);
  }
  grpc::Status ExplainConnection(grpc::ServerContext* context, const api::ExplainConnectionRequest*,
                                 api::ExplainConnectionResponse* response) override {
    std::unique_lock lock(state_.mutex);
    *response = state_.data.explained;
    return state_.Enter(context, lock);
  }

 private:
  AdminState& state_;
};

class MemberService final : public api::MemberService::Service {
 public:
  explicit MemberService(AdminState& state) : state_(state) {}
  grpc::Status ListMembers(grpc::ServerContext* context, const api::ListMembersRequest* request,
                           api::ListMembersResponse* response) override {
    return state_.List(context, state_.data.members, *request, response,
                       [](auto* page) { return page->add_members(); });
  }
  grpc::Status GetMember(grpc::ServerContext* context, const api::GetMemberRequest* request,
                         api::Member* response) override {
    return state_.Get(context, state_.data.members, request->name(), response);
  }
  grpc::Status JoinMembers(grpc::ServerContext* context, const api::JoinMembersRequest* request,
                           api::JoinMembersResponse* response) override {
    std::unique_lock lock(state_.mutex);
    state_.seen.joins.push_back(*request);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response->mutable_addresses() = request->addresses();
    return grpc::Status::OK;
  }
  grpc::Status ForgetMember(grpc::ServerContext* context, const api::ForgetMemberRequest* request,
                            api::Member* response) override {
    {
      std::lock_guard lock(state_.mutex);
      state_.seen.forgets.push_back(*request);
    }
    return state_.Get(context, state_.data.members, request->name(), response);
  }
  grpc::Status ListKeys(grpc::ServerContext* context, const api::ListKeysRequest*,
                        api::ListKeysResponse* response) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response = state_.data.changes.keys;
    return grpc::Status::OK;
  }
  grpc::Status ChangeKey(grpc::ServerContext* context, const api::ChangeKeyRequest* request,
                         api::ChangeKeyResponse* response) override {
    std::unique_lock lock(state_.mutex);
    state_.seen.keys.push_back(*request);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response = state_.data.changes.changed_key;
    return grpc::Status::OK;
  }
  grpc::Status LeaveCluster(grpc::ServerContext* context, const api::LeaveClusterRequest* request,
                            api::LeaveClusterResponse* response) override {
    std::unique_lock lock(state_.mutex);
    state_.seen.leaves.push_back(*request);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    *response = state_.data.changes.left;
    return grpc::Status::OK;
  }

 private:
  AdminState& state_;
};

class OperationService final : public api::OperationService::Service {
 public:
  explicit OperationService(AdminState& state) : state_(state) {}
  grpc::Status GetOperation(grpc::ServerContext* context, const api::GetOperationRequest*,
                            api::Operation* response) override {
    std::unique_lock lock(state_.mutex);
    if (grpc::Status status = state_.Enter(context, lock); !status.ok()) return status;
    const std::vector<api::Operation>& all = state_.data.operations;
    if (all.empty()) return {grpc::StatusCode::NOT_FOUND, "no such operation"};
    *response = all[std::min(state_.operation++, all.size() - 1)];
    return grpc::Status::OK;
  }

 private:
  AdminState& state_;
};

}  // namespace

class AdminServer::Impl final {
 public:
  explicit Impl(std::string socket_path) : path(std::move(socket_path)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    for (grpc::Service* service : std::initializer_list<grpc::Service*>{
             &status_, &rules_, &workers_, &certificates_, &members_, &limits_, &operations_})
      builder.RegisterService(service);
    for (const std::unique_ptr<grpc::Service>& service : changes_)
      builder.RegisterService(service.get());
    server_ = builder.BuildAndStart();
    LB_CHECK(server_ != nullptr);
  }

  ~Impl() {
    {
      std::lock_guard lock(state.mutex);
      state.stopped = true;
    }
    state.stopping.notify_all();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  AdminState state;
  const std::string path;

 private:
  StatusService status_{state};
  RuleService rules_{state};
  WorkerService workers_{state};
  CertificateService certificates_{state};
  MemberService members_{state};
  LimitService limits_{state};
  OperationService operations_{state};
  std::vector<std::unique_ptr<grpc::Service>> changes_ = MakeChangeServices(state);
  std::unique_ptr<grpc::Server> server_;
};

AdminServer::AdminServer(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
AdminServer::~AdminServer() = default;

std::string AdminServer::endpoint() const { return "unix:" + impl_->path; }

void AdminServer::Set(Data data) {
  std::lock_guard lock(impl_->state.mutex);
  impl_->state.data = std::move(data);
  impl_->state.operation = 0;
}

void AdminServer::Set(Fault fault) {
  std::lock_guard lock(impl_->state.mutex);
  impl_->state.fault = std::move(fault);
}

void AdminServer::SetPageSize(size_t page_size) {
  std::lock_guard lock(impl_->state.mutex);
  impl_->state.page_size = page_size;
}

std::vector<api::DrainWorkerRequest> AdminServer::drains() const {
  std::lock_guard lock(impl_->state.mutex);
  return impl_->state.drains;
}

std::vector<api::UndrainWorkerRequest> AdminServer::undrains() const {
  std::lock_guard lock(impl_->state.mutex);
  return impl_->state.undrains;
}

ChangeRequests AdminServer::seen() const {
  std::lock_guard lock(impl_->state.mutex);
  return impl_->state.seen;
}

size_t AdminServer::calls() const {
  std::lock_guard lock(impl_->state.mutex);
  return impl_->state.calls;
}

}  // namespace lb::fakes
