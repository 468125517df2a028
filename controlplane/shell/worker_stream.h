// One stream of the worker API: the gRPC side of a session. Used by worker_service.cc only.
//
// Source: the callback API's rules (grpcpp/support/server_callback.h): at most one read and one
// write are under way, Finish() comes once and never beside a write, and the object lives until
// OnDone. Threading: the On... functions are called by gRPC's threads and only post; everything
// else runs on the io_context's one thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "controlplane/access/identity.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class WorkerStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public std::enable_shared_from_this<WorkerStream> {
 public:
  // A worker says hello as soon as it is connected; one that does not is none.
  static constexpr std::chrono::seconds kHelloTimeout{10};
  // How long a closing session may take to send what is queued before it is cut.
  static constexpr std::chrono::seconds kCloseTimeout{5};

  // What the stream tells its owner, on the io_context's thread.
  struct Owner {
    std::function<void(WorkerStream&)> begun;  // The owner calls Accept() or End().
    std::function<void(WorkerStream&, worker::v1::ConnectRequest)> received;
    std::function<void(WorkerStream&)> ended;  // Last.
  };

  // Makes a stream that keeps itself alive until gRPC is done with it.
  static WorkerStream* Create(boost::asio::io_context& io, grpc::CallbackServerContext* context,
                              Owner owner);

  // Starts to read.
  void Accept(uint64_t session);
  uint64_t session() const { return session_; }

  // Who is at the other end of this stream's connection: the name in the worker's certificate, or
  // the process on a unix socket.
  const Identity& peer() const { return peer_; }

  // Reads the next message; call it when the last one was handled.
  void ReadNext();

  // Queues a message. Returns false when the queue is full: the stream is then being cut.
  bool Send(const worker::v1::ConnectResponse& message);

  // Finishes with `status` after what is queued. The first reason counts.
  void End(const absl::Status& status);

  // Finishes without sending what is queued.
  void Cut(const absl::Status& status);

  // How it ended; meaningful in Owner::ended.
  absl::StatusCode end_code() const { return end_ ? end_->code() : absl::StatusCode::kUnknown; }

 private:
  WorkerStream(boost::asio::io_context& io, grpc::CallbackServerContext* context, Owner owner);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void ReadDone(bool ok, bool parsed, worker::v1::ConnectRequest message);
  void WriteDone(bool ok);
  void Pump();
  void SetTimer(std::chrono::seconds after, absl::Status status);

  boost::asio::io_context& io_;
  grpc::CallbackServerContext* const context_;
  const Identity peer_;
  const Owner owner_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<WorkerStream> self_;  // Until OnDone.
  uint64_t session_ = 0;
  grpc::ByteBuffer incoming_;
  std::deque<grpc::ByteBuffer> queue_;  // The front one is being written while writing_.
  size_t queued_bytes_ = 0;
  bool heard_ = false;
  bool writing_ = false;
  bool cut_ = false;
  bool finished_ = false;
  std::optional<absl::Status> end_;
};

}  // namespace lb::controlplane
