// The worker's end of WorkerControlService.Connect, as values on an Asio loop.
//
// gRPC calls back on threads of its own; here they only post what happened. One stream at a time.
// Bounded: one message is read ahead, kMaxQueued wait to be written. Threading: the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/tls_files.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

// Where the control plane is.
struct ControlPlane {
  std::string target;             // A gRPC address, "unix:/run/lb/worker.sock".
  TlsPaths tls{};                 // For a TCP address.
  std::string tls_server_name{};  // What its certificate names; empty: the host in `target`.
};

class StreamClient final {
 public:
  // Messages not written yet. A control plane that leaves more unread is taken for hung; reports
  // are totals, so a new session loses nothing.
  static constexpr size_t kMaxQueued = 1'024;

  struct Events {
    // One message; the next is read when this returns.
    std::function<void(const lb::worker::v1::ConnectResponse&)> on_message;
    // The stream is over, for whatever reason; no more messages of it follow. Once per Connect.
    std::function<void(const absl::Status&)> on_ended;
  };

  // `io` outlives the client. TLS files that cannot be read end a stream with what is wrong.
  StreamClient(boost::asio::io_context& io, ControlPlane plane, Events events);
  // Ends the stream without on_ended and waits for gRPC to let go of it.
  ~StreamClient();

  // Opens a stream. Requires that none is open (the first call, or after on_ended).
  void Connect();
  // Queues a message; false, and the stream ends, when too many wait or none is open.
  bool Send(lb::worker::v1::ConnectRequest message);
  // Ends the stream; on_ended follows with `why`.
  void End(absl::Status why);

 private:
  class Stream;

  void Ended(const absl::Status& status);

  boost::asio::io_context& io_;
  const ControlPlane plane_;
  Events events_;
  std::shared_ptr<Stream> stream_;
};

}  // namespace lb::dataplane
