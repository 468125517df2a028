// Who a client is, as its verified certificate says it. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

namespace lb::dataplane::tls {

inline constexpr size_t kMaxIdentityBytes = 255;

// The first URI among the subject alternative names (as SPIFFE has them), else the first DNS name,
// else the first mail address, else the subject as RFC 2253 writes it. UTF-8 without control
// characters, at most kMaxIdentityBytes. "" when the client showed no certificate.
std::string PeerIdentity(const SSL* ssl);

// The same identity as one word, alike in every worker: the first 64 bits of its SHA-256.
uint64_t IdentityWord(const std::string& identity);

}  // namespace lb::dataplane::tls
