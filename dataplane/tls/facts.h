// What there is to say about the TLS of a connection, for the access log and for lists. Every text
// is UTF-8, whatever the peer sent. Plain values; threading: none.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace lb::dataplane::tls {

struct Facts {
  std::string sni{};              // That the client asked for; empty: none.
  std::string alpn{};             // That was agreed on with it; empty: none.
  std::string version{};          // Towards it: "1.3"; empty: plain, or not agreed on yet.
  std::string cipher{};           // "TLS_AES_128_GCM_SHA256"
  std::string client_identity{};  // Of its certificate; empty: none that was verified.
  bool resumed = false;           // Its session.
  std::string backend_version{};  // Towards the backend; empty: plain, or not agreed on yet.
  // Why the handshake with the client, or the last one with a backend, failed: of ToString, which
  // lives for ever; empty: none did.
  const char* failure = "";
};

// `client` and `backend` may be nullptr.
Facts FactsOf(const SSL* client, const SSL* backend);

}  // namespace lb::dataplane::tls
