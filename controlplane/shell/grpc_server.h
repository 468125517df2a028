// A gRPC server without a listener: connections are handed to it as descriptors, each with who is
// at its other end.
//
// Keeps gRPC out of the headers of its users. Threading: each function says.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "controlplane/access/identity.h"
#include "controlplane/admin/failure.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace lb::controlplane {

class TlsKeys;

class GrpcServer final {
 public:
  // One message. The largest is the hello of a worker that has slots of every limited backend it
  // can know: 100,000 of them with names of ordinary length.
  static constexpr int kMaxReceiveBytes = 16 << 20;
  // Calls at once on one connection: lbctl and automation share one for a few watches at most.
  static constexpr int kMaxStreamsPerConnection = 100;
  // A connection that has not finished its handshakes, TLS and HTTP/2, is closed after so long.
  static constexpr int kHandshakeTimeoutMs = 3'000;
  // All headers of a call together, as HTTP/2 counts them (RFC 9113 6.5.2).
  static constexpr int kMaxMetadataBytes = 8 << 10;
  // A connection without a call is closed after so long; clients connect again by themselves.
  static constexpr int kMaxIdleMs = 10 * 60 * 1000;
  // Different unix callers at once, by default.
  static constexpr size_t kMaxLocalCallers = 64;

  // Says why a call of "package.Service/Method" is refused, or nothing. Any thread.
  using Guard = std::function<std::optional<Failure>(const std::optional<Identity>& peer,
                                                     std::string_view method)>;

  // Told of each call that its guard refuses, with what the certificate says. Any thread.
  using OnRefused = std::function<void(const std::optional<Identity>& peer,
                                       const std::vector<std::string>& uri_sans,
                                       std::string_view method, const Failure& refusal)>;

  struct Options {
    std::vector<grpc::Service*> services;  // Outlive the server.
    // Serve grpc.health.v1, reflection and channelz too. They are switched on for the whole
    // process: start the servers that shall not have them first.
    bool helpers = false;
    Guard local_guard;             // Of calls on unix sockets.
    Guard tls_guard;               // Of calls over TLS.
    const TlsKeys* tls = nullptr;  // For TakeTls(); outlives the server.
    std::string cluster{};         // Of certificates; "": any.
    OnRefused on_refused{};        // Of calls over TLS; may be null.
    // Memory of all connections together: what was received and not read yet, what was not sent
    // yet. Beyond it calls end with RESOURCE_EXHAUSTED.
    size_t max_memory_bytes = 96u << 20;
    // Full names of the services whose health is told, with `helpers`.
    std::vector<std::string> health_of{};
    // Different peers on unix sockets at once; connections of more are closed (CallerPlaces).
    size_t max_local_peers = kMaxLocalCallers;
  };

  // Internal error when gRPC refuses.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Options options);
  // Requires Shutdown().
  ~GrpcServer();

  // Serves a connected unix socket whose other end is `peer`, until LocalEnded. One thread.
  void TakeLocal(UniqueFd connection, const Identity& peer);
  // A connection of `peer` is over. The same thread.
  void LocalEnded(const Identity& peer);

  // Serves a connected TCP socket; who it is comes from its certificate. Requires Options::tls. Any
  // thread.
  void TakeTls(UniqueFd connection);

  // What grpc.health.v1 says of the server and of every service; at first that they do not serve.
  // Any thread.
  void SetServing(bool serving);

  // Cancels every call and returns when the last one is over: never on a thread that the services
  // need for that.
  void Shutdown();

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
