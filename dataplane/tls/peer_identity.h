// Who a client is by its certificate. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <string>

namespace lb::dataplane::tls {

inline constexpr size_t kMaxIdentityBytes = 255;

// The first URI among the subject alternative names of the peer's certificate (where SPIFFE puts
// its ids), else the first DNS name or mail address, else the subject (RFC 2253). UTF-8 without
// control characters: such a byte in a name stands as "\x00". A longer one than kMaxIdentityBytes
// is cut and ends with a part of its hash, so that two that differ still do. Empty: there is no
// certificate, or nothing in it.
std::string PeerIdentity(const SSL& ssl);

}  // namespace lb::dataplane::tls
