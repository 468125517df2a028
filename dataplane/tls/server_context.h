// TLS towards the clients of one rule. Immutable, so all I/O threads share it; connections keep
// what they began with when a newer one takes its place. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/tls/certificates.h"
#include "dataplane/tls/failures.h"
#include "dataplane/tls/ticket_keys.h"
#include "dataplane/tls/trust.h"

namespace lb::dataplane::tls {

class ServerContext final {
 public:
  struct Settings {
    std::string rule;  // Its name.
    std::shared_ptr<const Certificates> certificates;
    bool strict_sni = false;  // Refuse names that no certificate has.
    bool only_1_3 = false;
    std::vector<std::string> alpn;       // Best first; each 1 to 255 bytes.
    std::shared_ptr<const Trust> trust;  // Of clients' certificates; nullptr: none is asked for.
    std::string trust_id;                // Another one where other certificates are taken.
    bool requires_certificate = false;
  };

  ServerContext(Settings settings, std::shared_ptr<const TicketKeys> ticket_keys);
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  // The server's end of a connection, ready to be given a ClientHello.
  bssl::UniquePtr<SSL> NewSsl() const;

  // Whether clients are asked for certificates.
  bool asks_clients() const { return asks_clients_; }

 private:
  // What the callbacks need. It belongs to the SSL_CTX, which connections keep.
  struct Shared {
    const Settings settings;
    const std::string alpn;  // As it is written on the wire.
    TicketSealer sealer;
  };

  static ssl_select_cert_result_t ChooseCertificate(const SSL_CLIENT_HELLO* hello);
  static int CheckName(SSL* ssl, int* alert, void* shared);
  static int ChooseProtocol(SSL* ssl, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                            unsigned in_bytes, void* shared);
  static void FreeShared(void*, void* shared, CRYPTO_EX_DATA*, int, long, void*);  // NOLINT
  static int SharedIndex();
  static const Shared& Of(const SSL* ssl);

  const bool asks_clients_;
  bssl::UniquePtr<SSL_CTX> context_;
};

}  // namespace lb::dataplane::tls
