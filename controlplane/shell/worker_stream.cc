#include "controlplane/shell/worker_stream.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "controlplane/shell/peer_credentials.h"
#include "controlplane/shell/status_to_grpc.h"
#include "controlplane/shell/worker_service.h"

namespace lb::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;

WorkerStream::WorkerStream(asio::io_context& io, grpc::CallbackServerContext* context, Owner owner)
    : io_(io),
      context_(context),
      peer_(PeerOf(*context).value_or(Identity())),
      owner_(std::move(owner)),
      timer_(io) {}

WorkerStream* WorkerStream::Create(asio::io_context& io, grpc::CallbackServerContext* context,
                                   Owner owner) {
  std::shared_ptr<WorkerStream> stream(new WorkerStream(io, context, std::move(owner)));
  stream->self_ = stream;
  asio::post(io, [stream] { stream->owner_.begun(*stream); });
  return stream.get();
}

void WorkerStream::Accept(uint64_t session) {
  session_ = session;
  SetTimer(kHelloTimeout, absl::DeadlineExceededError("no hello came"));
  ReadNext();
}

void WorkerStream::ReadNext() {
  if (!finished_ && !cut_) StartRead(&incoming_);
}

bool WorkerStream::Send(const worker::v1::ConnectResponse& message) {
  if (end_ || finished_) return true;
  const size_t bytes = message.ByteSizeLong();
  if (queue_.size() >= WorkerService::kMaxQueuedMessages ||
      queued_bytes_ + bytes > WorkerService::kMaxQueuedBytes) {
    Cut(absl::ResourceExhaustedError("the worker does not read what it is sent"));
    return false;
  }
  const grpc::Slice slice(message.SerializeAsString());
  queue_.emplace_back(&slice, 1);
  queued_bytes_ += bytes;
  Pump();
  return true;
}

void WorkerStream::End(const absl::Status& status) {
  if (end_) return;
  end_ = status;
  SetTimer(kCloseTimeout, status);
  Pump();
}

void WorkerStream::Cut(const absl::Status& status) {
  if (!end_) end_ = status;
  cut_ = true;
  // A write to a peer that does not read ends only so; Finish() has to wait for it.
  if (writing_) context_->TryCancel();
  Pump();
}

void WorkerStream::OnReadDone(bool ok) {
  worker::v1::ConnectRequest message;
  const bool parsed =
      ok &&
      grpc::SerializationTraits<worker::v1::ConnectRequest>::Deserialize(&incoming_, &message).ok();
  asio::post(io_, [self = shared_from_this(), ok, parsed, message = std::move(message)]() mutable {
    self->ReadDone(ok, parsed, std::move(message));
  });
}

void WorkerStream::OnWriteDone(bool ok) {
  asio::post(io_, [self = shared_from_this(), ok] { self->WriteDone(ok); });
}

void WorkerStream::OnCancel() {
  asio::post(io_, [self = shared_from_this()] {
    self->Cut(absl::CancelledError("the connection to the worker is gone"));
  });
}

void WorkerStream::OnDone() {
  asio::post(io_, [self = std::move(self_)] {
    self->finished_ = true;
    self->timer_.cancel();
    self->owner_.ended(*self);
  });
}

void WorkerStream::ReadDone(bool ok, bool parsed, worker::v1::ConnectRequest message) {
  if (end_) return;
  if (!ok) return End(absl::OkStatus());  // The worker is done, or OnCancel follows.
  if (!parsed) return End(absl::InvalidArgumentError("a message is not a ConnectRequest"));
  if (!heard_) timer_.cancel();
  heard_ = true;
  owner_.received(*this, std::move(message));
}

void WorkerStream::WriteDone(bool ok) {
  writing_ = false;
  queued_bytes_ -= queue_.front().Length();
  queue_.pop_front();
  if (!ok) return Cut(absl::CancelledError("the connection to the worker is gone"));
  Pump();
}

void WorkerStream::Pump() {
  if (finished_ || writing_) return;
  if (!queue_.empty() && !cut_) {
    writing_ = true;
    return StartWrite(&queue_.front());
  }
  if (!end_) return;
  finished_ = true;
  timer_.cancel();
  Finish(ToGrpcStatus(*end_));
}

void WorkerStream::SetTimer(std::chrono::seconds after, absl::Status status) {
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this(), status = std::move(status)](const error_code& error) {
    auto self = weak.lock();
    if (!error && self != nullptr && !self->finished_) self->Cut(status);
  });
}

}  // namespace lb::controlplane
