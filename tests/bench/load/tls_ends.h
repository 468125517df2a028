// TLS of the generator's clients and of its backend, over sockets: BoringSSL, pinned to TLS 1.3
// with TLS_AES_128_GCM_SHA256 and X25519, so that every balancer does the same work. Certificates
// are not verified: what is measured is the balancer. Threading: one thread.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace lb::bench {

class TlsEnds final {
 public:
  enum class Client {
    kPlain,
    kFull,     // A whole handshake each time.
    kResumed,  // The session of an earlier one, as soon as there is one.
  };

  struct Options {
    Client client = Client::kPlain;
    std::string backend_cert;  // PEM files; empty: the backend speaks no TLS.
    std::string backend_key;
  };

  // Handshakes of the clients since the start, and those of them that resumed a session; the same
  // of the backend.
  struct Counts {
    uint64_t clients = 0;
    uint64_t clients_resumed = 0;
    uint64_t backend = 0;
    uint64_t backend_resumed = 0;
  };

  // The error when a file of the backend's is no good.
  static absl::StatusOr<std::unique_ptr<TlsEnds>> Make(const Options& options);

  // Sessions point to it.
  TlsEnds(const TlsEnds&) = delete;
  TlsEnds& operator=(const TlsEnds&) = delete;

  // A new end over a socket that stays the caller's; null where that side is plain.
  bssl::UniquePtr<SSL> NewClient(int fd);
  bssl::UniquePtr<SSL> NewServer(int fd);

  // To be called once a handshake is done. False when the other side chose something else.
  bool CountHandshake(const SSL& ssl);

  const Counts& counts() const { return counts_; }

 private:
  explicit TlsEnds(Client client) : client_(client) {}

  static int KeepSession(SSL* ssl, SSL_SESSION* session);

  const Client client_;
  bssl::UniquePtr<SSL_CTX> client_context_;
  bssl::UniquePtr<SSL_CTX> server_context_;
  bssl::UniquePtr<SSL_SESSION> session_;  // The clients' newest.
  Counts counts_;
};

// What a call on a TLS end came to: bytes, 0 after the other side's close_notify, or below zero.
inline constexpr ssize_t kTlsNotNow = -1;
inline constexpr ssize_t kTlsBroken = -2;  // errno says why; EPROTO: TLS itself.

// Sends up to `bytes` bytes, as many records as the socket takes.
ssize_t TlsSend(SSL& ssl, const char* data, size_t bytes);

// Receives up to `bytes` bytes, as many records as there are.
ssize_t TlsReceive(SSL& ssl, char* data, size_t bytes);

}  // namespace lb::bench
