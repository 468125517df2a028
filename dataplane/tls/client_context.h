// TLS towards the backends of one rule. Immutable but for its sessions, so all I/O threads share
// it. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/tls/failures.h"
#include "dataplane/tls/pair.h"
#include "dataplane/tls/sessions.h"
#include "dataplane/tls/trust.h"

namespace lb::dataplane::tls {

class ClientContext final {
 public:
  struct Settings {
    std::shared_ptr<const Trust> trust;  // nullptr: any certificate will do.
    std::shared_ptr<const Pair> pair;    // Shown to those that ask; nullptr: none.
    bool only_1_3 = false;
    std::vector<std::string> alpn;  // Offered; each 1 to 255 bytes.
  };

  explicit ClientContext(Settings settings);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // The client's end of a connection to this backend, which resumes a session where there is one.
  // Its certificate must be for `name`, a host name or an IP address, by a subject alternative name
  // (RFC 9525); a host name is sent along (RFC 6066). Empty: neither.
  bssl::UniquePtr<SSL> NewSsl(const std::string& backend, const std::string& name) const;

  // Why a handshake failed; to be asked right after it.
  ConnectFailure Classify(const SSL& ssl) const { return ClassifyBackendFailure(ssl); }

 private:
  static int KeepSession(SSL* ssl, SSL_SESSION* session);

  const Settings settings_;
  Sessions* sessions_;  // The SSL_CTX's own: connections that outlive this may still add to it.
  bssl::UniquePtr<SSL_CTX> context_;
};

}  // namespace lb::dataplane::tls
