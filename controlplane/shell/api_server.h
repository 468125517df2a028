// One API of the control plane: a gRPC server, and what it listens on.
//
// Threading: the io_context's one thread, but for Shutdown().
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/metrics.h"
#include "controlplane/shell/api_acceptor.h"
#include "controlplane/shell/grpc_server.h"

namespace lb::controlplane {

class ApiServer final {
 public:
  struct Options {
    std::string name;                 // "admin": the metrics' label.
    std::vector<Endpoint> addresses;  // Kinds kUnix and kIp; the latter need grpc.tls.
    ApiListenerOptions listener;      // Of the unix sockets, without the address.
    size_t max_connections = 0;       // Of each address.
    size_t max_connections_per_source = 0;
    ApiAcceptor::Identify identify;  // Of the users on unix sockets.
    bool by_process = false;         // See ApiAcceptor.
    GrpcServer::Options grpc;
  };

  // Starts the server and listens. Errors name the flag or path.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(boost::asio::io_context& io,
                                                          Options options);

  // What grpc.health.v1 says.
  void SetServing(bool serving) { grpc_->SetServing(serving); }
  // Every address, with the ports that the kernel chose: "unix:/run/lb/admin.sock 127.0.0.1:9901".
  std::string Addresses() const;
  // Ends every connection over TCP. Clients connect again, and have to show a certificate again.
  void HangUpTcp();
  // Takes no more connections.
  void StopAccepting() { acceptors_.clear(); }
  // See GrpcServer; not on the io_context's thread.
  void Shutdown() { grpc_->Shutdown(); }

  // Adds what this API has to the families of connections open, taken and refused.
  void AddMetrics(MetricFamily& open, MetricFamily& accepted, MetricFamily& refused) const;

 private:
  ApiServer(std::string name, std::unique_ptr<GrpcServer> grpc);
  absl::Status Listen(boost::asio::io_context& io, const Endpoint& address, const Options& options);

  const std::string name_;
  const std::unique_ptr<GrpcServer> grpc_;
  std::vector<std::unique_ptr<ApiAcceptor>> acceptors_;
};

}  // namespace lb::controlplane
