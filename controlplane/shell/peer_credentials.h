// gRPC server credentials that know who is at the other end, and let a call in or not by its
// method.
//
// Source: grpc/grpc_security.h. gRPC's C++ credentials have no fetcher of certificates, which is
// what follows changed files without a restart and keeps the old pair when a new one is bad; so
// these wrap the C ones. TLS is 1.2 or better, gRPC's default (tsi_ssl_server_handshaker_options).
// Threading: gRPC's threads call the guard, which must be thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "controlplane/access/identity.h"
#include "controlplane/shell/grpc_server.h"
#include "controlplane/shell/tls_keys.h"

namespace lb::controlplane {

// Who is at the other ends of the unix sockets that come through some credentials. Thread-safe.
class LocalPeer final {
 public:
  // For connections that have not made a call yet; the others keep who they are.
  void Set(Identity peer) {
    const MutexLock lock(mutex_);
    peer_ = std::move(peer);
  }
  Identity Get() const {
    const MutexLock lock(mutex_);
    return peer_;
  }

 private:
  mutable Mutex mutex_;
  Identity peer_ ABSL_GUARDED_BY(mutex_);
};

// For connections on unix sockets.
std::shared_ptr<grpc::ServerCredentials> LocalPeerCredentials(std::shared_ptr<const LocalPeer> peer,
                                                              GrpcServer::Guard guard);

// Mutual TLS; peers are who their certificates say. Requires Options::tls.
std::shared_ptr<grpc::ServerCredentials> TlsPeerCredentials(const GrpcServer::Options& options);

// Who calls, as the credentials above found; nobody for other credentials.
std::optional<Identity> PeerOf(const grpc::ServerContextBase& context);

}  // namespace lb::controlplane
