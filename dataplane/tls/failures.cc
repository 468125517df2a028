#include "dataplane/tls/failures.h"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace lb::dataplane::tls {
namespace {

// Reasons of alerts that the peer sent are this and the alert's number (openssl/ssl.h).
constexpr int kAlertReasons = SSL_AD_REASON_OFFSET;

}  // namespace

HandshakeFailure ClassifyHandshakeFailure() {
  const uint32_t error = ERR_peek_error();
  if (error == 0) return HandshakeFailure::kClosed;
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return HandshakeFailure::kProtocol;
  const int reason = ERR_GET_REASON(error);
  if (reason > kAlertReasons) return HandshakeFailure::kClientAlert;
  switch (reason) {
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return HandshakeFailure::kNoSharedCipher;
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return HandshakeFailure::kUnsupportedVersion;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return HandshakeFailure::kNotTls;
    case SSL_R_CLIENTHELLO_TLSEXT:
      return HandshakeFailure::kUnknownName;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return HandshakeFailure::kNoClientCert;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return HandshakeFailure::kBadClientCert;
    default:
      return HandshakeFailure::kProtocol;
  }
}

ConnectFailure ClassifyBackendFailure(const SSL& ssl) {
  const uint32_t error = ERR_peek_error();
  if (ERR_GET_LIB(error) != ERR_LIB_SSL || ERR_GET_REASON(error) != SSL_R_CERTIFICATE_VERIFY_FAILED)
    return ConnectFailure::kTlsHandshake;
  switch (SSL_get_verify_result(&ssl)) {
    case X509_V_OK:
      return ConnectFailure::kTlsHandshake;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return ConnectFailure::kTlsName;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return ConnectFailure::kTlsExpired;
    case X509_V_ERR_CERT_REVOKED:
      return ConnectFailure::kTlsRevoked;
    default:
      return ConnectFailure::kTlsUntrusted;
  }
}

}  // namespace lb::dataplane::tls
