#include "controlplane/shell/grpc_server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/channelz_service_plugin.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/time.h"
#include "controlplane/shell/caller_places.h"
#include "controlplane/shell/peer_credentials.h"

namespace lb::controlplane {
namespace {

using Acceptor = grpc::experimental::ExternalConnectionAcceptor;
using grpc::ServerBuilder;

// At most one log line of users for whom there is no place in so long.
constexpr std::chrono::seconds kLogInterval{10};

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

// What connections of one peer go through, and who it is.
struct LocalDoor {
  std::shared_ptr<LocalPeer> peer;
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
    builder.SetResourceQuota(grpc::ResourceQuota("lb-api").Resize(options.max_memory_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kMaxIdleMs);
    for (grpc::Service* service : options.services) builder.RegisterService(service);
    AddDoors(options, builder);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return false;
    if (auto* health = server_->GetHealthCheckService(); health != nullptr)
      for (const std::string& name : options.health_of) health->SetServingStatus(name, false);
    SetServing(false);
    return true;
  }

  ~Impl() { LB_CHECK(shut_down_ || server_ == nullptr); }

  void TakeLocal(UniqueFd connection, const Identity& peer) {
    const Instant now = ReadClocks().steady;
    const std::optional<size_t> place = places_->Take(peer, now);
    if (!place) {
      if (!refused_at_ || now - *refused_at_ >= kLogInterval)
        LogWarn("connection refused",
                {{"caller", peer.caller.name}, {"error", "too many local users"}});
      refused_at_ = now;
      return;
    }
    LocalDoor& door = doors_[*place];
    door.peer->Set(peer);
    Pass(std::move(connection), *door.acceptor);
  }

  void LocalEnded(const Identity& peer) { places_->End(peer, ReadClocks().steady); }

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
    places_.emplace(options.max_local_peers);
    for (size_t i = 0; i < options.max_local_peers; ++i) {
      auto peer = std::make_shared<LocalPeer>();
      auto acceptor = AddDoor(LocalPeerCredentials(peer, options.local_guard), builder);
      doors_.push_back({std::move(peer), std::move(acceptor)});
    }
    if (options.tls != nullptr) tls_ = AddDoor(TlsPeerCredentials(options), builder);
  }

  std::unique_ptr<grpc::Server> server_;
  std::vector<LocalDoor> doors_;  // By place.
  std::optional<CallerPlaces> places_;
  std::optional<Instant> refused_at_;
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

void GrpcServer::TakeLocal(UniqueFd connection, const Identity& peer) {
  impl_->TakeLocal(std::move(connection), peer);
}

void GrpcServer::LocalEnded(const Identity& peer) { impl_->LocalEnded(peer); }

void GrpcServer::TakeTls(UniqueFd connection) { impl_->TakeTls(std::move(connection)); }

void GrpcServer::SetServing(bool serving) { impl_->SetServing(serving); }

void GrpcServer::Shutdown() { impl_->Shutdown(); }

}  // namespace lb::controlplane
