// What TLS is spoken with, on both sides of a worker: Mozilla's "intermediate" recommendation
// (wiki.mozilla.org/Security/Server_Side_TLS, 5.7) without finite-field groups, which no client
// needs that has not the others. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace lb::dataplane::tls {

// Sets versions, suites, groups, where certificates of peers are kept (once for all connections
// that show the same), and what is off: renegotiation, compression and early data are BoringSSL's
// defaults.
void SetSuites(SSL_CTX* context, bool only_1_3);

// Protocol names as ALPN writes them (RFC 7301 section 3.1). Each has 1 to 255 bytes.
std::string AlpnWire(const std::vector<std::string>& protocols);

}  // namespace lb::dataplane::tls
