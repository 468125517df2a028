#include "dataplane/tls/suites.h"

#include <openssl/pool.h>

#include "base/check.h"

namespace lb::dataplane::tls {
namespace {

// Of TLS 1.2, best first; those of TLS 1.3 are fixed.
constexpr char kSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";

// Of the whole process; contexts and connections must not outlive it.
CRYPTO_BUFFER_POOL* CertificatePool() {
  static CRYPTO_BUFFER_POOL* const pool = CRYPTO_BUFFER_POOL_new();
  return pool;
}

}  // namespace

void SetSuites(SSL_CTX* context, bool only_1_3) {
  LB_CHECK(SSL_CTX_set_min_proto_version(context, only_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1);
  LB_CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1);
  LB_CHECK(SSL_CTX_set_strict_cipher_list(context, kSuites) == 1);
  LB_CHECK(SSL_CTX_set1_curves_list(context, kGroups) == 1);
  SSL_CTX_set0_buffer_pool(context, CertificatePool());
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
}

std::string AlpnWire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    LB_CHECK(!protocol.empty() && protocol.size() <= 255);
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

}  // namespace lb::dataplane::tls
