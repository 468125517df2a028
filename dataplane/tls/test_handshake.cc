#include "dataplane/tls/test_handshake.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pool.h>

#include <utility>

#include "base/check.h"
#include "dataplane/tls/failures.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {
namespace {

enum class Step : uint8_t { kDone, kWaiting, kFailed };

// One turn of an end: its handshake, or what comes behind it.
Step Turn(SSL* ssl) {
  ERR_clear_error();
  int result = SSL_do_handshake(ssl);
  const bool is_done = result == 1;
  // BoringSSL's server sends its tickets with the first data.
  char byte = 0;
  if (is_done && SSL_is_server(ssl) == 1) SSL_write(ssl, &byte, 1);
  while (result == 1) result = SSL_read(ssl, &byte, 1);
  if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ) return Step::kFailed;
  return is_done ? Step::kDone : Step::kWaiting;
}

std::string Reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? "" : reason;
}

}  // namespace

std::string TestConnection::alpn() const {
  const uint8_t* protocol = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(client.get(), &protocol, &bytes);
  return {reinterpret_cast<const char*>(protocol), bytes};
}

std::string TestConnection::shown_by_server() const {
  const STACK_OF(CRYPTO_BUFFER)* const chain = SSL_get0_peer_certificates(client.get());
  if (chain == nullptr) return "";
  const CRYPTO_BUFFER* const leaf = sk_CRYPTO_BUFFER_value(chain, 0);
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)), CRYPTO_BUFFER_len(leaf)};
}

TestConnection Handshake(bssl::UniquePtr<SSL> client, bssl::UniquePtr<SSL> server) {
  constexpr size_t kPipeBytes = 256 * 1024;
  constexpr int kTurns = 10;  // More flights than any handshake has.
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  LB_CHECK(BIO_new_bio_pair(&client_end, kPipeBytes, &server_end, kPipeBytes) == 1);
  SSL_set_bio(client.get(), client_end, client_end);
  SSL_set_bio(server.get(), server_end, server_end);
  TestConnection connection{std::move(client), std::move(server)};
  for (int i = 0; i < kTurns; ++i) {
    Step of_client = Step::kFailed;
    Step of_server = Step::kFailed;
    if (!connection.client_failure) of_client = Turn(connection.client.get());
    if (!connection.client_failure && of_client == Step::kFailed) {
      connection.client_failure = ClassifyBackendFailure(*connection.client);
      connection.client_error = Reason();
    }
    if (!connection.server_failure) of_server = Turn(connection.server.get());
    if (!connection.server_failure && of_server == Step::kFailed) {
      connection.server_failure = ClassifyHandshakeFailure();
      connection.server_error = Reason();
    }
    connection.done = of_client == Step::kDone && of_server == Step::kDone;
  }
  ERR_clear_error();
  return connection;
}

bssl::UniquePtr<SSL> NewClient(SSL_CTX* context, const std::string& name, SSL_SESSION* session) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_connect_state(ssl.get());
  if (!name.empty()) LB_CHECK(SSL_set_tlsext_host_name(ssl.get(), name.c_str()) == 1);
  if (session != nullptr) LB_CHECK(SSL_set_session(ssl.get(), session) == 1);
  return ssl;
}

bssl::UniquePtr<SSL> NewServer(SSL_CTX* context) {
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::shared_ptr<const Pair> PairOf(const TestCertificate& certificate,
                                   const std::vector<std::string>& names) {
  lb::type::v1::CertificatePair message;
  message.add_chain_der(certificate.CertDer());
  message.set_key_der(certificate.KeyDer());
  for (const std::string& name : names) message.add_names(name);
  return ParsePair(message).value();
}

std::shared_ptr<const Trust> TrustIn(const TestAuthority& authority,
                                     const std::vector<TestCertificate>* revoked) {
  lb::type::v1::TrustBundle bundle;
  bundle.add_certificates_der(authority.der());
  if (revoked == nullptr) return Trust::Make(bundle, nullptr).value();
  lb::type::v1::RevocationList list;
  list.add_crls_der(authority.Revoke(*revoked));
  return Trust::Make(bundle, &list).value();
}

NewestSession::NewestSession(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, Keep);
}

int NewestSession::Keep(SSL* ssl, SSL_SESSION* session) {
  static_cast<NewestSession*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session_.reset(session);
  return 1;  // It is ours now.
}

}  // namespace lb::dataplane::tls
