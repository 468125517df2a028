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
#include "controlplane/shell/admin_services.h"
#include "controlplane/shell/audit.h"
#include "controlplane/shell/peer_credentials.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using Context = grpc::CallbackServerContext;

}  // namespace

class AdminService::Impl final : public std::enable_shared_from_this<AdminService::Impl> {
 public:
  Impl(asio::io_context& io, EventSink sink) : io_(io), sink_(std::move(sink)) {}

  void MakeServices() {
    calls_sink_ = {[this](const Context& context, AdminCall call, CallEnds ends) {
                     return Submit(context, std::move(call), std::move(ends));
                   },
                   [this](RequestId request) { Cancel(request); }};
    services_ = MakeAdminServices(calls_sink_);
  }

  std::vector<grpc::Service*> services() {
    std::vector<grpc::Service*> services;
    for (const auto& service : services_) services.push_back(service.get());
    return services;
  }

  void Stream(StreamItem item) {
    const auto call = calls_.find(item.request);
    if (call == calls_.end() || call->second.ends.stream(std::move(item.answer))) return;
    End(item.request, {absl::ResourceExhaustedError(
                           "the answers are not read fast enough; go on after the last one"),
                       "WATCH_TOO_SLOW"});
  }

  void Answer(Reply reply) {
    auto call = calls_.extract(reply.request);
    if (call.empty()) return;
    --under_way_;
    if (call.mapped().audited) {
      const LogFields line = audit_.Line(*call.mapped().audited, reply, ReadClocks().steady);
      // Whatever level is logged: what was done must not be hidden by a change of it.
      if (!line.empty()) LogAtAnyLevel(LogLevel::kInfo, "audit", line);
    }
    if (!call.mapped().caller_gone) call.mapped().ends.done(std::move(reply));
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
    bool caller_gone =
        false;  // It is carried out all the same, and audited with what became of it.
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
      const auto call = self->calls_.find(id);
      if (call == self->calls_.end() || call->second.caller_gone) return;
      if (call->second.audited) return self->CallerGone(call->first, call->second);
      self->End(id, {absl::CancelledError("the caller is gone"), "CANCELLED"});
    });
  }

  // Lets the caller of a change go; the change goes on.
  static void CallerGone(RequestId id, Call& call) {
    call.caller_gone = call.audited->caller_gone = true;
    call.ends.done({id, Failure{absl::CancelledError("the caller is gone"), "CANCELLED"}, {}});
  }

  // Ends a call that the loop has not ended.
  void End(RequestId id, Failure failure) {
    Answer({id, std::move(failure), {}});
    sink_(AdminCallEnded{id});
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
