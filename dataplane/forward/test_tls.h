// TLS peers for the tests of this folder: blocking clients and backends over the sockets of
// test_net.h, each with BoringSSL. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/test_authority.h"
#include "base/unique_fd.h"
#include "dataplane/forward/test_net.h"

namespace lb::dataplane {

// Makes rule() of the worker end TLS with this certificate. Returns its settings.
lb::type::v1::ServerTls& EndTls(TestWorker& worker, const TestCertificate& certificate);
// Makes it speak TLS to its backends, which `authority` vouches for.
lb::type::v1::BackendTls& SpeakTls(TestWorker& worker, const TestAuthority& authority);

// Keeps the sessions that a client's context is given, for later connections.
class TestSessions final {
 public:
  explicit TestSessions(SSL_CTX* context);
  TestSessions(const TestSessions&) = delete;
  TestSessions& operator=(const TestSessions&) = delete;

  // The newest; nullptr when there is none.
  SSL_SESSION* newest() const { return newest_.get(); }

 private:
  static int Keep(SSL* ssl, SSL_SESSION* session);

  bssl::UniquePtr<SSL_SESSION> newest_;
};

// How what came over TLS ended.
enum class TlsEnd : uint8_t {
  kOpen,       // Not yet.
  kClosed,     // By close_notify.
  kTruncated,  // By a FIN without it.
  kReset,
  kFailed,  // By an alert, or what is no TLS.
};

struct TlsRead {
  std::string data;
  TlsEnd end = TlsEnd::kOpen;
};

// One end of a TLS connection over a blocking socket.
class TlsPeer final {
 public:
  // With a name it is a client that asks for it and checks it.
  static TlsPeer Client(SSL_CTX* context, UniqueFd fd, const std::string& name = "");
  static TlsPeer Server(SSL_CTX* context, UniqueFd fd);

  // False when it failed; error() says more.
  bool Handshake();
  bool Send(std::string_view data);
  // Reads until the end, or until `bytes` have come.
  TlsRead Read(size_t bytes = SIZE_MAX);
  // Says that nothing more comes: by close_notify, and by a FIN when `fin`.
  void Close(bool fin = true);

  SSL* ssl() const { return ssl_.get(); }
  int fd() const { return fd_.get(); }
  UniqueFd TakeFd() { return std::move(fd_); }
  // Of BoringSSL, after a failure: "TLSV1_ALERT_UNRECOGNIZED_NAME".
  const std::string& error() const { return error_; }

 private:
  TlsPeer(SSL_CTX* context, UniqueFd fd);
  TlsEnd EndOf(int result);

  UniqueFd fd_;
  bssl::UniquePtr<SSL> ssl_;
  std::string error_;
};

}  // namespace lb::dataplane
