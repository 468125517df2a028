#include "controlplane/shell/api_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace lb::controlplane {

ApiServer::ApiServer(std::string name, std::unique_ptr<GrpcServer> grpc)
    : name_(std::move(name)), grpc_(std::move(grpc)) {}

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(boost::asio::io_context& io,
                                                            Options options) {
  LB_ASSIGN_OR_RETURN(auto grpc, GrpcServer::Start(options.grpc));
  std::unique_ptr<ApiServer> server(new ApiServer(options.name, std::move(grpc)));
  for (const Endpoint& address : options.addresses) {
    if (absl::Status status = server->Listen(io, address, options); !status.ok()) {
      server->Shutdown();
      return status;
    }
  }
  return server;
}

absl::Status ApiServer::Listen(boost::asio::io_context& io, const Endpoint& address,
                               const Options& options) {
  ApiAcceptor::Options acceptor;
  acceptor.listener = options.listener;
  acceptor.listener.address = address;
  acceptor.max_connections = options.max_connections;
  acceptor.max_connections_per_source = options.max_connections_per_source;
  acceptor.identify = options.identify;
  acceptor.by_process = options.by_process;
  if (address.kind() == Endpoint::Kind::kUnix)
    acceptor.on_end = [this](const Identity& peer) { grpc_->LocalEnded(peer); };
  const bool is_tcp = address.kind() != Endpoint::Kind::kUnix;
  LB_CHECK(!is_tcp || options.grpc.tls != nullptr);
  LB_ASSIGN_OR_RETURN(auto started,
                      ApiAcceptor::Start(io, std::move(acceptor),
                                         [this, is_tcp](UniqueFd connection, const Identity& peer) {
                                           if (is_tcp) return grpc_->TakeTls(std::move(connection));
                                           grpc_->TakeLocal(std::move(connection), peer);
                                         }));
  acceptors_.push_back(std::move(started));
  return absl::OkStatus();
}

void ApiServer::HangUpTcp() {
  for (const auto& acceptor : acceptors_)
    if (acceptor->address().kind() != Endpoint::Kind::kUnix) acceptor->HangUp();
}

std::string ApiServer::Addresses() const {
  return absl::StrJoin(acceptors_, " ", [](std::string* out, const auto& acceptor) {
    absl::StrAppend(out, acceptor->address().ToString());
  });
}

void ApiServer::AddMetrics(MetricFamily& open, MetricFamily& accepted,
                           MetricFamily& refused) const {
  ApiAcceptor::Counters sum;
  size_t connections = 0;
  for (const auto& acceptor : acceptors_) {
    const ApiAcceptor::Counters& counters = acceptor->counters();
    connections += acceptor->connections();
    sum.accepted += counters.accepted;
    sum.refused_uid += counters.refused_uid;
    sum.refused_limit += counters.refused_limit;
    sum.refused_source += counters.refused_source;
    sum.shortages += counters.shortages;
  }
  const auto add = [this](MetricFamily& family, const char* reason, uint64_t value) {
    family.Add({{"api", name_}, {"reason", reason}}, static_cast<double>(value));
  };
  open.Add({{"api", name_}}, static_cast<double>(connections));
  accepted.Add({{"api", name_}}, static_cast<double>(sum.accepted));
  add(refused, "uid", sum.refused_uid);
  add(refused, "limit", sum.refused_limit);
  add(refused, "source", sum.refused_source);
  add(refused, "shortage", sum.shortages);
}

}  // namespace lb::controlplane
