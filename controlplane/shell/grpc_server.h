// A gRPC server without a listener: connections are handed to it as descriptors.
//
// Keeps gRPC out of the headers of its users. Insecure credentials: only for unix sockets, whose
// peers are known by uid. Threading: each function says.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace lb::controlplane {

class GrpcServer final {
 public:
  // One message. The largest is the hello of a worker that has slots of every limited backend it
  // can know: 100,000 of them with names of ordinary length.
  static constexpr int kMaxReceiveBytes = 16 << 20;
  // Calls at once on one connection: lbctl and automation share one for a few watches at most.
  static constexpr int kMaxStreamsPerConnection = 100;
  // A connection that says nothing is closed after so long.
  static constexpr int kHandshakeTimeoutMs = 10'000;

  struct Options {
    std::vector<grpc::Service*> services;  // Outlive the server.
    // Serve grpc.health.v1 and reflection too. Both are switched on for the whole process: start
    // the servers that shall not have them first.
    bool health_and_reflection = false;
  };

  // Internal error when gRPC refuses.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Options options);
  // Requires Shutdown().
  ~GrpcServer();

  // Serves a connected socket. Any thread.
  void Take(UniqueFd connection);

  // What grpc.health.v1 says of every service. Any thread.
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
