#include "controlplane/shell/grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace lb::controlplane {
namespace {

using grpc::ServerBuilder;

// gRPC logs what peers do wrong; it belongs with the rest of our lines.
void SendLogToOurs() {
  static const bool done = [] {
    gpr_set_log_function([](gpr_log_func_args* args) {
      const LogLevel level =
          args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarn : LogLevel::kDebug;
      Log(level, "grpc", {{"text", args->message}});
    });
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace

class GrpcServer::Impl final {
 public:
  bool Start(const Options& options) {
    SendLogToOurs();
    grpc::EnableDefaultHealthCheckService(options.health_and_reflection);
    if (options.health_and_reflection) grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.SetMaxSendMessageSize(-1);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
    for (grpc::Service* service : options.services) builder.RegisterService(service);
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        grpc::InsecureServerCredentials());
    server_ = builder.BuildAndStart();
    return server_ != nullptr;
  }

  ~Impl() { LB_CHECK(shut_down_ || server_ == nullptr); }

  void Take(UniqueFd connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.fd = connection.Release();
    acceptor_->HandleNewConnection(&parameters);
  }

  void SetServing(bool serving) {
    if (auto* health = server_->GetHealthCheckService(); health != nullptr)
      health->SetServingStatus(serving);
  }

  void Shutdown() {
    if (shut_down_.exchange(true)) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

 private:
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::atomic<bool> shut_down_{false};
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(Options options) {
  auto impl = std::make_unique<Impl>();
  if (!impl->Start(options)) return absl::InternalError("gRPC cannot start its server");
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

void GrpcServer::Take(UniqueFd connection) { impl_->Take(std::move(connection)); }

void GrpcServer::SetServing(bool serving) { impl_->SetServing(serving); }

void GrpcServer::Shutdown() { impl_->Shutdown(); }

}  // namespace lb::controlplane
