#include "controlplane/shell/peer_credentials.h"

#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/mutex.h"
#include "controlplane/shell/status_to_grpc.h"

namespace lb::controlplane {
namespace {

// Properties of a connection that hold what its first call found.
constexpr char kWorker[] = "lb-worker";
constexpr char kRole[] = "lb-role";
constexpr char kName[] = "lb-name";
constexpr char kPid[] = "lb-pid";

// What a credential's calls need; gRPC deletes it.
struct Door {
  Door(std::shared_ptr<const LocalPeer> known, GrpcServer::Guard its_guard)
      : peer(std::move(known)), guard(std::move(its_guard)) {}

  const std::shared_ptr<const LocalPeer> peer;  // Null: the certificate says.
  const GrpcServer::Guard guard;
  std::string cluster{};  // Not changed once a connection has come, like the next.
  GrpcServer::OnRefused on_refused{};
  Mutex noting;
};

std::vector<std::string> Values(const grpc_auth_context* context, const char* name) {
  std::vector<std::string> values;
  grpc_auth_property_iterator all = grpc_auth_context_find_properties_by_name(context, name);
  while (const grpc_auth_property* property = grpc_auth_property_iterator_next(&all))
    values.emplace_back(property->value, property->value_length);
  return values;
}

// "package.Service/Method" of the call.
std::string MethodOf(const grpc_metadata* metadata, size_t count) {
  const auto text = [](const grpc_slice& slice) {
    return std::string_view(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)),
                            GRPC_SLICE_LENGTH(slice));
  };
  for (size_t i = 0; i < count; ++i) {
    if (text(metadata[i].key) != ":path") continue;
    std::string_view path = text(metadata[i].value);
    if (!path.empty() && path.front() == '/') path.remove_prefix(1);
    return std::string(path);
  }
  return "";
}

// What Note noted. `all_of` gives the values of a property.
template <typename AllOf>
std::optional<Identity> NotedIn(const AllOf& all_of) {
  const std::vector<std::string> role = all_of(kRole);
  if (role.empty()) return std::nullopt;
  const auto first = [&](const char* name) {
    const std::vector<std::string> values = all_of(name);
    return values.empty() ? std::string() : values.front();
  };
  Identity peer{{Role::kNone, first(kName)}, first(kWorker)};
  LB_CHECK(absl::SimpleAtoi(first(kPid), &peer.pid));
  for (const Role known : {Role::kViewer, Role::kOperator, Role::kAdmin})
    if (RoleName(known) == role.front()) peer.caller.role = known;
  return peer;
}

// Notes the peer on its connection, once: before a handler of its first call can look. The context
// is the connection's and is not made for calls that arrive together, so all that look at it before
// it is noted hold the lock; afterwards it does not change.
void Note(const Identity& peer, grpc_auth_context* context) {
  grpc_auth_context_add_property(context, kWorker, peer.worker.data(), peer.worker.size());
  grpc_auth_context_add_property(context, kName, peer.caller.name.data(), peer.caller.name.size());
  const std::string pid = absl::StrCat(peer.pid);
  grpc_auth_context_add_property(context, kPid, pid.data(), pid.size());
  const std::string role(RoleName(peer.caller.role));
  grpc_auth_context_add_property(context, kRole, role.data(), role.size());
}

void Process(void* state, grpc_auth_context* context, const grpc_metadata* metadata, size_t count,
             grpc_process_auth_metadata_done_cb done, void* user_data) {
  Door& door = *static_cast<Door*>(state);
  std::optional<Identity> peer;
  std::vector<std::string> uri_sans;
  {
    const MutexLock lock(door.noting);
    if (door.peer == nullptr) uri_sans = Values(context, GRPC_PEER_URI_PROPERTY_NAME);
    peer = NotedIn([context](const char* name) { return Values(context, name); });
    if (!peer) {
      peer = door.peer != nullptr ? door.peer->Get() : IdentityOf(uri_sans, door.cluster);
      if (peer) Note(*peer, context);
    }
  }
  std::optional<Failure> refusal;
  const std::string method = MethodOf(metadata, count);
  if (door.guard) refusal = door.guard(peer, method);
  if (refusal) {
    if (door.on_refused) door.on_refused(peer, uri_sans, method, *refusal);
    const grpc::Status status = ToGrpcStatus(refusal->status);
    const std::string text = absl::StrCat(status.error_message(), " (", refusal->reason, ")");
    return done(user_data, nullptr, 0, nullptr, 0,
                static_cast<grpc_status_code>(status.error_code()), text.c_str());
  }
  done(user_data, nullptr, 0, nullptr, 0, GRPC_STATUS_OK, nullptr);
}

// Which files the server has; one for each server.
struct Fetcher {
  const TlsKeys& keys;
  std::shared_ptr<const TlsPems> last{};
};

// gRPC asks before every handshake, one at a time; when it cannot use what it gets it says so in
// its log and keeps what it has.
grpc_ssl_certificate_config_reload_status Fetch(void* state,
                                                grpc_ssl_server_certificate_config** config) {
  auto& fetcher = *static_cast<Fetcher*>(state);
  std::shared_ptr<const TlsPems> now = fetcher.keys.pems();
  if (now == fetcher.last) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  fetcher.last = std::move(now);
  const grpc_ssl_pem_key_cert_pair pair{fetcher.last->key.c_str(), fetcher.last->cert.c_str()};
  *config = grpc_ssl_server_certificate_config_create(fetcher.last->ca.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

// C credentials as C++ ones.
class Credentials final : public grpc::ServerCredentials {
 public:
  Credentials(grpc_server_credentials* core, std::unique_ptr<Fetcher> fetcher,
              std::unique_ptr<Door> door)
      : fetcher_(std::move(fetcher)), core_(core) {
    LB_CHECK(core_ != nullptr);
    grpc_server_credentials_set_auth_metadata_processor(
        core_, {Process, [](void* state) { delete static_cast<Door*>(state); }, door.release()});
  }
  ~Credentials() override { grpc_server_credentials_release(core_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    LB_CHECK(false);  // They have theirs.
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), core_);
  }

  const std::unique_ptr<Fetcher> fetcher_;
  grpc_server_credentials* const core_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> LocalPeerCredentials(std::shared_ptr<const LocalPeer> peer,
                                                              GrpcServer::Guard guard) {
  return std::make_shared<Credentials>(grpc_local_server_credentials_create(UDS), nullptr,
                                       std::make_unique<Door>(std::move(peer), std::move(guard)));
}

std::shared_ptr<grpc::ServerCredentials> TlsPeerCredentials(const GrpcServer::Options& options) {
  LB_CHECK(options.tls != nullptr);
  auto fetcher = std::make_unique<Fetcher>(Fetcher{*options.tls});
  grpc_ssl_server_credentials_options* tls =
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, Fetch, fetcher.get());
  // Takes the options.
  grpc_server_credentials* core = grpc_ssl_server_credentials_create_with_options(tls);
  auto door = std::make_unique<Door>(nullptr, options.tls_guard);
  door->cluster = options.cluster;
  door->on_refused = options.on_refused;
  return std::make_shared<Credentials>(core, std::move(fetcher), std::move(door));
}

std::optional<Identity> PeerOf(const grpc::ServerContextBase& context) {
  return NotedIn([&context](const char* name) {
    std::vector<std::string> values;
    for (const grpc::string_ref& value : context.auth_context()->FindPropertyValues(name))
      values.emplace_back(value.data(), value.size());
    return values;
  });
}

}  // namespace lb::controlplane
