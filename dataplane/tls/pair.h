// A certificate with its private key as a worker uses it, and what chooses it. Immutable, so all
// I/O threads share it. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::type::v1 {
class CertificatePair;
}  // namespace lb::type::v1

namespace lb::dataplane::tls {

// Certificates of one chain; a longer one is a mistake, and would burden every handshake.
inline constexpr int kMaxChainLength = 16;

struct Pair {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;  // The certificate first.
  bssl::UniquePtr<EVP_PKEY> key;
  // The signature scheme that an ECDSA key signs with in TLS 1.3 (RFC 8446 section 4.2.3); 0: RSA.
  uint16_t ecdsa_scheme = 0;
  std::string ocsp_response;
  int64_t ocsp_next_update_s = 0;  // Seconds since the epoch.
  std::vector<std::string> names;  // Lower case, "*.example.com" among them.
};

// Checks what the control plane sent: that all parses, and the key is that of the certificate.
// InvalidArgument says what is wrong; nothing of the key is in it.
absl::StatusOr<std::shared_ptr<const Pair>> ParsePair(const lb::type::v1::CertificatePair& pair);

// Makes `ssl` show it. The response of the authority is stapled until it gets old.
bool ShowPair(const Pair& pair, SSL* ssl);

}  // namespace lb::dataplane::tls
