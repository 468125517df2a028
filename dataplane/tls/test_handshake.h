// Handshakes in memory for the tests of this folder, and the material for them. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/test_authority.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/tls/pair.h"
#include "dataplane/tls/trust.h"

namespace lb::dataplane::tls {

// Both ends of a connection after its handshake, done or not.
struct TestConnection {
  bssl::UniquePtr<SSL> client;
  bssl::UniquePtr<SSL> server;
  bool done = false;  // For both; what the client was sent behind it has been read.
  // Where it failed: why as each end's own code says it, and as BoringSSL says it, which names the
  // alert at the end that got one ("TLSV1_ALERT_UNRECOGNIZED_NAME").
  std::optional<HandshakeFailure> server_failure{};
  std::optional<ConnectFailure> client_failure{};
  std::string server_error{};
  std::string client_error{};

  bool resumed() const { return SSL_session_reused(server.get()) == 1; }
  std::string alpn() const;             // Empty: none.
  std::string shown_by_server() const;  // Its certificate, in DER.
};

// Both must have been told their roles.
TestConnection Handshake(bssl::UniquePtr<SSL> client, bssl::UniquePtr<SSL> server);
// An end of one that was made by hand.
bssl::UniquePtr<SSL> NewClient(SSL_CTX* context, const std::string& name = "",
                               SSL_SESSION* session = nullptr);
bssl::UniquePtr<SSL> NewServer(SSL_CTX* context);

// As the control plane would send it.
std::shared_ptr<const Pair> PairOf(const TestCertificate& certificate,
                                   const std::vector<std::string>& names = {});
// Trusts this authority; with `revoked`, its revocation list is asked.
std::shared_ptr<const Trust> TrustIn(const TestAuthority& authority,
                                     const std::vector<TestCertificate>* revoked = nullptr);

// The newest session that clients of a context were given.
class NewestSession final {
 public:
  explicit NewestSession(SSL_CTX* context);
  NewestSession(const NewestSession&) = delete;
  NewestSession& operator=(const NewestSession&) = delete;

  SSL_SESSION* get() const { return session_.get(); }

 private:
  static int Keep(SSL* ssl, SSL_SESSION* session);

  bssl::UniquePtr<SSL_SESSION> session_;
};

}  // namespace lb::dataplane::tls
