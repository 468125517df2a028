#include "controlplane/shell/worker_service.h"

#include <boost/asio/post.hpp>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/shell/process_start.h"
#include "controlplane/shell/worker_stream.h"
#include "lb/worker/v1/worker.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
// Raw: messages that do not parse must be told from the end of a stream.
using Base = worker::v1::WorkerControlService::WithRawCallbackMethod_Connect<
    worker::v1::WorkerControlService::Service>;

// What gRPC calls, on its own threads.
class Service final : public Base {
 public:
  Service(asio::io_context& io, WorkerStream::Owner owner) : io_(io), owner_(std::move(owner)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Connect(
      grpc::CallbackServerContext* context) override {
    return WorkerStream::Create(io_, context, owner_);
  }

 private:
  asio::io_context& io_;
  const WorkerStream::Owner owner_;
};

}  // namespace

class WorkerService::Impl final : public std::enable_shared_from_this<WorkerService::Impl> {
 public:
  Impl(asio::io_context& io, EventSink sink) : io_(io), sink_(std::move(sink)) {}

  // Streams may outlive the service by what is still posted; they then find nobody.
  void MakeService() {
    std::weak_ptr<Impl> weak = weak_from_this();
    WorkerStream::Owner owner;
    owner.begun = [weak](WorkerStream& stream) {
      if (auto self = weak.lock()) self->Begun(stream);
    };
    owner.received = [weak](WorkerStream& stream, worker::v1::ConnectRequest message) {
      if (auto self = weak.lock()) self->Received(stream, std::move(message));
    };
    owner.ended = [weak](WorkerStream& stream) {
      if (auto self = weak.lock()) self->Ended(stream);
    };
    service_ = std::make_unique<Service>(io_, std::move(owner));
  }

  grpc::Service* service() { return service_.get(); }

  void Send(const SendToWorker& action) {
    if (auto found = sessions_.find(action.session); found != sessions_.end())
      found->second.stream->Send(action.message);
  }

  void Close(const CloseSession& action) {
    if (auto found = sessions_.find(action.session); found != sessions_.end())
      found->second.stream->End(action.status);
  }

  void Stop() {
    stopping_ = true;
    for (auto& [id, session] : sessions_)
      session.stream->End(absl::UnavailableError("the control plane is stopping"));
  }

  size_t sessions() const { return sessions_.size(); }
  const std::map<std::string, uint64_t>& ended() const { return ended_; }

 private:
  struct Session {
    std::shared_ptr<WorkerStream> stream;
    bool known_to_loop = false;
  };

  void Begun(WorkerStream& stream) {
    if (stopping_) return stream.End(absl::UnavailableError("the control plane is stopping"));
    if (sessions_.size() >= kMaxSessions)
      return stream.End(absl::ResourceExhaustedError("too many worker sessions"));
    const SessionId id = ++last_id_;
    sessions_[id].stream = stream.shared_from_this();
    stream.Accept(id);
  }

  void Received(WorkerStream& stream, worker::v1::ConnectRequest message) {
    const SessionId id = stream.session();
    const bool certified = !stream.peer().worker.empty();
    uint64_t start_ticks = 0;
    if (message.has_hello()) {
      auto& worker = *message.mutable_hello()->mutable_worker();
      if (absl::Status status = CheckIsItself(stream.peer(), worker); !status.ok())
        return stream.End(status);
      // A pid of another host means nothing here.
      if (certified) worker.clear_pid();
      if (!certified) start_ticks = StartTicksOf(worker.pid()).value_or(0);
    }
    sessions_.at(id).known_to_loop = true;
    sink_(WorkerMessage{id, std::move(message), start_ticks});
    // Posted behind the event: read on when the loop has handled it.
    asio::post(io_, [weak = weak_from_this(), id] {
      auto self = weak.lock();
      if (self == nullptr) return;
      if (auto found = self->sessions_.find(id); found != self->sessions_.end())
        found->second.stream->ReadNext();
    });
  }

  static absl::Status CheckIsItself(const Identity& peer, const type::v1::ProcessIdentity& worker) {
    const std::string& name = peer.worker;
    if (!name.empty() && worker.id() != name)
      return absl::PermissionDeniedError(absl::StrCat("the hello names worker '", worker.id(),
                                                      "', the certificate '", name,
                                                      "': a worker may only be itself"));
    if (name.empty() && (peer.pid <= 0 || worker.pid() != static_cast<uint32_t>(peer.pid)))
      return absl::PermissionDeniedError(
          absl::StrCat("the hello names pid ", worker.pid(),
                       ", which is not the process at the other end of this socket: workers and "
                       "control plane must share a pid namespace"));
    return absl::OkStatus();
  }

  void Ended(WorkerStream& stream) {
    ++ended_[absl::StatusCodeToString(stream.end_code())];
    auto session = sessions_.extract(stream.session());
    if (!session.empty() && session.mapped().known_to_loop)
      sink_(WorkerStreamEnded{stream.session()});
  }

  asio::io_context& io_;
  EventSink sink_;
  std::unique_ptr<Service> service_;
  std::map<SessionId, Session> sessions_;
  std::map<std::string, uint64_t> ended_;  // By status code.
  SessionId last_id_ = 0;                  // 0 is no session: streams turned away keep it.
  bool stopping_ = false;
};

WorkerService::WorkerService(asio::io_context& io, EventSink sink)
    : impl_(std::make_shared<Impl>(io, std::move(sink))) {
  impl_->MakeService();
}

WorkerService::~WorkerService() = default;

grpc::Service* WorkerService::service() { return impl_->service(); }

void WorkerService::Send(const SendToWorker& action) { impl_->Send(action); }

void WorkerService::Close(const CloseSession& action) { impl_->Close(action); }

void WorkerService::Stop() { impl_->Stop(); }

size_t WorkerService::sessions() const { return impl_->sessions(); }

void WorkerService::AppendMetrics(std::vector<MetricFamily>& families) const {
  MetricFamily open{
      "lb_worker_sessions", "Open streams of workers.", MetricFamily::Type::kGauge, {}};
  open.Add({}, static_cast<double>(impl_->sessions()));
  MetricFamily ended{"lb_worker_streams_ended_total",
                     "Streams of workers that ended, by status.",
                     MetricFamily::Type::kCounter,
                     {}};
  for (const auto& [code, count] : impl_->ended())
    ended.Add({{"code", code}}, static_cast<double>(count));
  families.push_back(std::move(open));
  families.push_back(std::move(ended));
}

}  // namespace lb::controlplane
