#include "dataplane/tls/facts.h"

#include <openssl/x509.h>

#include <string_view>

#include "base/utf8.h"
#include "dataplane/tls/peer_identity.h"

namespace lb::dataplane::tls {
namespace {

constexpr size_t kMaxTextBytes = 255;  // Of a host name (RFC 1035) and of a protocol's (RFC 7301).

// Empty before a version is agreed on.
std::string VersionOf(const SSL* ssl) {
  if (ssl == nullptr || SSL_get_current_cipher(ssl) == nullptr) return "";
  return SSL_version(ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
}

}  // namespace

Facts FactsOf(const SSL* client, const SSL* backend) {
  Facts facts;
  facts.backend_version = VersionOf(backend);
  if (client == nullptr) return facts;
  const char* const name = SSL_get_servername(client, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) facts.sni = CutUtf8(name, kMaxTextBytes);
  facts.version = VersionOf(client);
  if (facts.version.empty()) return facts;
  const uint8_t* protocol = nullptr;
  unsigned bytes = 0;
  SSL_get0_alpn_selected(client, &protocol, &bytes);
  facts.alpn = CutUtf8({reinterpret_cast<const char*>(protocol), bytes}, kMaxTextBytes);
  facts.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(client));
  // Whose handshake failed may have shown anybody's certificate.
  if (SSL_in_init(client) == 0 && SSL_get_verify_result(client) == X509_V_OK)
    facts.client_identity = PeerIdentity(*client);
  facts.resumed = SSL_session_reused(client) == 1;
  return facts;
}

}  // namespace lb::dataplane::tls
