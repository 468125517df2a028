#include <openssl/err.h>
#include <openssl/x509.h>
#include "dataplane/tls/client_context.h"
#include "dataplane/tls/server_context.h"
namespace lb::dataplane::tls {
HandshakeFailure ClassifyHandshakeFailure(const SSL&) {
  const int r = ERR_GET_REASON(ERR_peek_error());
  if (r == SSL_R_WRONG_VERSION_NUMBER || r == SSL_R_HTTP_REQUEST) return HandshakeFailure::kNotTls;
  return HandshakeFailure::kProtocol;
}
bssl::UniquePtr<SSL> ClientContext::NewSsl(const std::string&, const std::string& name) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(ctx.get()));
  SSL_set_connect_state(ssl.get());
  if (!name.empty()) {
    SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    if (SSL_CTX_get_verify_mode(ctx.get()) != 0) SSL_set1_host(ssl.get(), name.c_str());
  }
  return ssl;
}
ConnectFailure ClientContext::Classify(const SSL& ssl) const {
  if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_CERTIFICATE_VERIFY_FAILED) return ConnectFailure::kTlsHandshake;
  switch (SSL_get_verify_result(&ssl)) {
    case X509_V_OK: return ConnectFailure::kTlsHandshake;
    case X509_V_ERR_HOSTNAME_MISMATCH: return ConnectFailure::kTlsName;
    case X509_V_ERR_CERT_HAS_EXPIRED: return ConnectFailure::kTlsExpired;
    case X509_V_ERR_CERT_REVOKED: return ConnectFailure::kTlsRevoked;
    default: return ConnectFailure::kTlsUntrusted;
  }
}
}
