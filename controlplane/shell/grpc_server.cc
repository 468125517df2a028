#include "controlplane/shell/grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "controlplane/shell/peer_credentials.h"

namespace lb::controlplane {
namespace {

using Acceptor = grpc::experimental::ExternalConnectionAcceptor;
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

// What connections of one kind go through, and who is at their other ends.
struct LocalDoor {
  std::shared_ptr<Identity> peer;
  std::unique_ptr<Acceptor> acceptor;
};

void Pass(UniqueFd connection, Acceptor& acceptor) {
  Acceptor::NewConnectionParameters parameters;
  parameters.fd = connection.Release();
  acceptor.HandleNewConnection(&parameters);
}

}  // namespace

class GrpcServer::Impl final {
 public:
  bool Start(const Options& options) {
    SendLogToOurs();
    grpc::EnableDefaultHealthCheckService(options.helpers);
    if (options.helpers) AddHelpers();
    ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
    builder.SetMaxSendMessageSize(-1);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
    for (grpc::Service* service : options.services) builder.RegisterService(service);
    AddDoors(options, builder);
    server_ = builder.BuildAndStart();
    return server_ != nullptr;
  }

  ~Impl() { LB_CHECK(shut_down_ || server_ == nullptr); }

  void TakeLocal(UniqueFd connection, const Caller& caller) {
    Pass(std::move(connection), *DoorOf(caller).acceptor);
  }

  void TakeTls(UniqueFd connection) {
    LB_CHECK(tls_ != nullptr);
    Pass(std::move(connection), *tls_);
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
  static void AddHelpers() {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::channelz::experimental::InitChannelzService();
  }

  static std::unique_ptr<Acceptor> AddDoor(std::shared_ptr<grpc::ServerCredentials> credentials,
                                           ServerBuilder& builder) {
    return builder.experimental().AddExternalConnectionAcceptor(
        ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, std::move(credentials));
  }

  void AddDoors(const Options& options, ServerBuilder& builder) {
    const auto add_local = [&](const Caller& caller) {
      auto peer = std::make_shared<Identity>(Identity{caller, ""});
      auto acceptor = AddDoor(LocalPeerCredentials(peer, options.local_guard), builder);
      return LocalDoor{std::move(peer), std::move(acceptor)};
    };
    for (size_t i = 0; i < kMaxLocalCallers; ++i) doors_.push_back(add_local({}));
    for (const Role role : {Role::kNone, Role::kViewer, Role::kOperator, Role::kAdmin})
      shared_[role] = add_local({role, "unix/" + std::string(RoleName(role))});
    if (options.tls != nullptr) tls_ = AddDoor(TlsPeerCredentials(options), builder);
  }

  LocalDoor& DoorOf(const Caller& caller) {
    const auto key = std::make_pair(caller.role, caller.name);
    if (const auto known = named_.find(key); known != named_.end()) return *known->second;
    if (named_.size() == doors_.size()) return shared_.at(caller.role);
    LocalDoor& door = doors_[named_.size()];
    door.peer->caller = caller;
    named_[key] = &door;
    return door;
  }

  std::unique_ptr<grpc::Server> server_;
  std::vector<LocalDoor> doors_;  // The first named_.size() have their callers.
  std::map<std::pair<Role, std::string>, LocalDoor*> named_;
  std::map<Role, LocalDoor> shared_;
  std::unique_ptr<Acceptor> tls_;
  std::atomic<bool> shut_down_{false};
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() = default;

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(Options options) {
  auto impl = std::make_unique<Impl>();
  if (!impl->Start(options)) return absl::InternalError("gRPC cannot start its server");
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

void GrpcServer::TakeLocal(UniqueFd connection, const Caller& caller) {
  impl_->TakeLocal(std::move(connection), caller);
}

void GrpcServer::TakeTls(UniqueFd connection) { impl_->TakeTls(std::move(connection)); }

void GrpcServer::SetServing(bool serving) { impl_->SetServing(serving); }

void GrpcServer::Shutdown() { impl_->Shutdown(); }

}  // namespace lb::controlplane
