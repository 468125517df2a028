#include "dataplane/control/stream_client.h"

#include <grpcpp/grpcpp.h>

#include <boost/asio/post.hpp>
#include <deque>
#include <future>
#include <utility>

#include "base/check.h"
#include "lb/worker/v1/worker.grpc.pb.h"

namespace lb::dataplane {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::ConnectResponse;
using lb::worker::v1::WorkerControlService;

namespace {

// A channel of its own for every stream: the backoff between streams is the caller's, and gRPC's
// would only come on top of it.
std::shared_ptr<grpc::Channel> MakeChannel(const ControlPlane& plane, const TlsPems& pems) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (plane.tls.none())
    return grpc::CreateCustomChannel(plane.target, grpc::InsecureChannelCredentials(), arguments);
  if (!plane.tls_server_name.empty()) arguments.SetSslTargetNameOverride(plane.tls_server_name);
  // A control plane whose machine is gone sends no FIN.
  constexpr int kKeepaliveMs = 20'000;
  constexpr int kKeepaliveTimeoutMs = 10'000;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(plane.target,
                                   grpc::SslCredentials({pems.ca, pems.key, pems.cert}), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

// One stream, from Begin to OnDone. The gRPC side holds it by `self_` until OnDone, the loop by the
// client. Reactions run on gRPC's threads and touch nothing but the loop's queue; everything else
// runs on the loop.
class StreamClient::Stream final : public grpc::ClientBidiReactor<ConnectRequest, ConnectResponse>,
                                   public std::enable_shared_from_this<Stream> {
 public:
  Stream(StreamClient& client, const TlsPems& pems)
      : io_(client.io_),
        client_(&client),
        stub_(WorkerControlService::NewStub(MakeChannel(client.plane_, pems))) {}

  void Begin() {
    self_ = shared_from_this();
    stub_->async()->Connect(&context_, this);
    // The loop starts reads and writes outside of reactions, which needs a hold
    // (client_callback.h).
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  bool Send(ConnectRequest message) {
    if (ending_) return false;
    if (queue_.size() >= kMaxQueued) {
      End(absl::ResourceExhaustedError("the control plane does not read"));
      return false;
    }
    queue_.push_back(std::move(message));
    WriteNext();
    return true;
  }

  void End(absl::Status why) {
    if (ending_) return;
    ending_ = true;
    why_ = std::move(why);
    context_.TryCancel();
    ReleaseHold();
  }

  // The client goes away: nothing is told any more, and gRPC is done when this returns.
  void Abandon() {
    client_ = nullptr;
    End(absl::CancelledError("the worker ends"));
    done_->get_future().wait();
  }

 private:
  void OnReadDone(bool ok) override {
    boost::asio::post(io_, [self = shared_from_this(), ok] { self->HandleRead(ok); });
  }
  void OnWriteDone(bool ok) override {
    boost::asio::post(io_, [self = shared_from_this(), ok] { self->HandleWritten(ok); });
  }
  void OnDone(const grpc::Status& status) override {
    // The stream goes away with the loop's last hold on it, never here: the channel in it joins
    // gRPC's callback threads when it ends, and this is one of them.
    const std::shared_ptr<std::promise<void>> done = done_;
    boost::asio::post(
        io_, [self = std::move(self_), status = FromGrpc(status)] { self->HandleDone(status); });
    done->set_value();
  }

  void HandleRead(bool ok) {
    // Without `ok` the stream is over; its status comes with OnDone.
    if (!ok) ending_ = true;
    if (!ending_ && client_ != nullptr) client_->events_.on_message(incoming_);
    if (!ending_) {
      StartRead(&incoming_);
    }
    ReleaseHold();
  }

  void HandleWritten(bool ok) {
    writing_ = false;
    queue_.pop_front();
    // A failed write means a broken stream: the read in flight fails too and ends it.
    if (ok) WriteNext();
    ReleaseHold();
  }

  void HandleDone(const absl::Status& status) {
    if (client_ == nullptr) return;
    client_->Ended(why_.ok() ? status : why_);
  }

  void WriteNext() {
    if (ending_ || writing_ || queue_.empty()) return;
    writing_ = true;
    StartWrite(&queue_.front());
  }

  // Gives the hold back once, when the loop will start nothing any more.
  void ReleaseHold() {
    if (!ending_ || holding_released_) return;
    holding_released_ = true;
    RemoveHold();
  }

  boost::asio::io_context& io_;
  StreamClient* client_;
  std::unique_ptr<WorkerControlService::Stub> stub_;
  grpc::ClientContext context_;
  std::shared_ptr<Stream> self_;
  const std::shared_ptr<std::promise<void>> done_ = std::make_shared<std::promise<void>>();

  ConnectResponse incoming_;
  std::deque<ConnectRequest> queue_;  // The first is being written while writing_.
  bool writing_ = false;
  bool ending_ = false;
  bool holding_released_ = false;
  absl::Status why_;
};

StreamClient::StreamClient(boost::asio::io_context& io, ControlPlane plane, Events events)
    : io_(io), plane_(std::move(plane)), events_(std::move(events)) {}

StreamClient::~StreamClient() {
  if (stream_ != nullptr) stream_->Abandon();
}

void StreamClient::Connect() {
  LB_CHECK(stream_ == nullptr);
  // Read for every stream, so that new files need no restart.
  absl::StatusOr<TlsPems> pems = TlsPems();
  if (!plane_.tls.none()) pems = ReadTlsFiles(plane_.tls);
  stream_ = std::make_shared<Stream>(*this, pems.ok() ? *pems : TlsPems());
  stream_->Begin();
  if (!pems.ok()) stream_->End(pems.status());
}

bool StreamClient::Send(ConnectRequest message) {
  return stream_ != nullptr && stream_->Send(std::move(message));
}

void StreamClient::End(absl::Status why) {
  if (stream_ != nullptr) stream_->End(std::move(why));
}

void StreamClient::Ended(const absl::Status& status) {
  const std::shared_ptr<Stream> ended = std::exchange(stream_, nullptr);
  events_.on_ended(status);
}

}  // namespace lb::dataplane
