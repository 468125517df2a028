#include "controlplane/shell/admin_service.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "controlplane/access/rules.h"
#include "controlplane/shell/admin_call.h"
#include "controlplane/shell/admin_services.h"
#include "controlplane/shell/audit.h"
#include "controlplane/shell/call_shares.h"
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
                   [this](RequestId request) { Cancel(request); }, &budget_};
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
    call.mapped().share.reset();
    if (call.mapped().audited) WriteAudit(*call.mapped().audited, reply);
    if (call.mapped().ends.done) call.mapped().ends.done(std::move(reply));
  }

  size_t abandoned() const {
    return static_cast<size_t>(std::count_if(
        calls_.begin(), calls_.end(), [](const auto& entry) { return !entry.second.ends.done; }));
  }

  size_t waiting_bytes() { return budget_.bytes(); }

  void Stop() {
    stopping_ = true;
    while (!calls_.empty()) {
      auto& [id, call] = *calls_.begin();
      if (call.audited) call.audited->unknown = true;
      Answer(Stopping(id));
    }
  }

 private:
  static Reply Stopping(RequestId request) {
    return {
        request, Failure{absl::UnavailableError("the control plane is stopping"), "STOPPING"}, {}};
  }

  // A call under way.
  struct Call {
    Caller caller;
    std::shared_ptr<const CallShare> share;
    CallEnds ends;  // Without `done`: the caller is gone.
    std::optional<AuditedCall> audited;
  };

  static CallKind KindOf(const AdminCall& call, const google::protobuf::MethodDescriptor* method) {
    if (std::holds_alternative<admin::v1::WaitOperationRequest>(call)) return CallKind::kWaiting;
    return method != nullptr && method->server_streaming() ? CallKind::kStream : CallKind::kShort;
  }

  // On one of gRPC's threads.
  BegunCall Submit(const Context& context, AdminCall call, CallEnds ends) {
    const RequestId id = ++last_id_;
    const std::optional<Identity> peer = PeerOf(context);
    const auto* method = MethodOf(call);
    const std::string name = NameOf(method);
    const AccessRule* rule = FindAccessRule(name);
    const CallKind kind = KindOf(call, method);
    Call entry{peer ? peer->caller : Caller{}, nullptr, std::move(ends), {}};
    if (peer && (rule == nullptr || rule->mutates)) entry.audited = DescribeCall(call, name, *peer);
    std::optional<Failure> refusal = CheckAdminCall(peer, name);
    if (!refusal) refusal = shares_->Begin(entry.caller, kind);
    if (refusal) {
      const Reply reply{id, std::move(refusal), {}};
      entry.ends.done(reply);
      if (entry.audited)
        asio::post(io_, [self = shared_from_this(), audited = *std::move(entry.audited), reply] {
          self->WriteAudit(audited, reply);
        });
      return {id, nullptr};
    }
    entry.share = std::make_shared<CallShare>(shares_, entry.caller, kind);
    const BegunCall begun{id, entry.share};
    asio::post(io_, [self = shared_from_this(), id, entry = std::move(entry),
                     call = std::move(call)]() mutable {
      self->Begin(id, std::move(entry), std::move(call));
    });
    return begun;
  }

  void Begin(RequestId id, Call entry, AdminCall call) {
    const Caller caller = entry.caller;
    calls_.emplace(id, std::move(entry));
    if (stopping_) return Answer(Stopping(id));
    sink_(AdminRequest{id, std::move(call), ReadClocks(), caller});
  }

  // On one of gRPC's threads.
  void Cancel(RequestId id) {
    asio::post(io_, [self = shared_from_this(), id] { self->CallerGone(id); });
  }

  // A change goes on without its caller: the loop's answer to it is what the audit trail tells.
  void CallerGone(RequestId id) {
    const auto call = calls_.find(id);
    if (call == calls_.end() || !call->second.ends.done) return;
    Failure gone{absl::CancelledError("the caller is gone"), "CANCELLED"};
    if (!call->second.audited) return End(id, std::move(gone));
    call->second.audited->caller_gone = true;
    std::exchange(call->second.ends.done, nullptr)({id, std::move(gone), {}});
  }

  // Ends a call that the loop has not ended.
  void End(RequestId id, Failure failure) {
    Answer({id, std::move(failure), {}});
    sink_(AdminCallEnded{id});
  }

  void WriteAudit(const AuditedCall& call, const Reply& reply) {
    Audit::Write(audit_.Line(call, reply, ReadClocks().steady));
  }

  asio::io_context& io_;
  EventSink sink_;
  CallSink calls_sink_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::map<RequestId, Call> calls_;
  Audit audit_;
  const std::shared_ptr<CallShares> shares_ = std::make_shared<CallShares>();
  StreamBudget budget_;
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

size_t AdminService::abandoned() const { return impl_->abandoned(); }

size_t AdminService::waiting_bytes() const { return impl_->waiting_bytes(); }

void AdminService::Stop() { impl_->Stop(); }

}  // namespace lb::controlplane
