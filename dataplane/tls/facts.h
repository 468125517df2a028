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
  std::string client_identity{};  // Of its certificate; empty: none.
  bool resumed = false;           // Its session.
  std::string backend_version{};  // Towards the backend; empty: plain, or not agreed on yet.
};

// `client` and `backend` may be nullptr.
Facts FactsOf(const SSL* client, const SSL* backend);

}  // namespace lb::dataplane::tls
