// One worker: the Forwarder, what the control plane told about it, and the stream that tells it.
//
// Keeps a stream open with backoff, for ever; without one it goes on with what it has. Everything
// runs on the io_context it is given, whose thread is the control thread. Destroyed at once or
// after a drain.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/http_server.h"
#include "base/sd_notify.h"
#include "base/time.h"
#include "base/tls_files.h"
#include "dataplane/forward/listening_socket.h"
#include "lb/type/v1/type.pb.h"

namespace lb::dataplane {

class Worker final {
 public:
  struct Options {
    Endpoint control;
    TlsPaths tls;  // See ControlPlane.
    std::string tls_server_name;
    lb::type::v1::ProcessIdentity identity;
    size_t threads = 1;            // I/O threads.
    uint64_t max_connections = 0;  // Open at once; 0: as many as descriptors allow.
    uint64_t seed = 0;             // Spreads reconnects and the threads' first choices.
    const SdNotify* service_manager = nullptr;  // Outlives the worker; nullptr: nobody is told.
    // Listening sockets of the service manager's.
    std::vector<PassedSocket> sockets;
    std::vector<std::string> stored;  // Names of all descriptors that it passed.
    // How long connections may go on once another process of this id serves in the place of this
    // one; then, or with the last of them, the worker is done. nullopt: for ever, and it is not.
    std::optional<Duration> replaced_timeout;
    std::function<void()> on_serving;      // The first configuration is in force.
    std::function<void()> on_replaced;     // That process serves; this worker accepts nothing now.
    std::function<void()> on_alone_again;  // It is gone; this worker serves again.
    std::function<void()> on_done;         // As said above; called once.
  };

  Worker(boost::asio::io_context& io, Options options);
  ~Worker();

  // Before Start: takes what a running process of this id, or a neighbour, has for this one. Blocks
  // for a moment (Replacement).
  void TakeOver();

  // Starts the I/O threads and connects to the control plane, which need not be there yet.
  absl::Status Start();

  // True when a process of this id ran at the start, which this one is about to replace.
  bool replaces() const;

  // Says that it is not ready any more, and goes on as before until DrainToExit. False: it accepts
  // nothing anyway, since another process serves in its place. `comes_back`: the service manager
  // starts a process after this one, so what it stores stays, and new clients wait in that; without
  // it they are refused, or served by a neighbour.
  bool AnnounceDrain(bool comes_back);

  // Drains for good and calls `drained` once, when no connection is left or the timeout has passed.
  void DrainToExit(Duration timeout, std::function<void()> drained);

  // Opens the file of the access log anew.
  void ReopenAccessLog();

  // The worker's pages: "/livez", "/readyz", "/metrics"; 404 otherwise.
  HttpReply Page(const std::string& path);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::dataplane
