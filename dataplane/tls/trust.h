// Who is trusted to sign the certificates of peers, and what was revoked. Immutable, so that rules
// and I/O threads share it. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::type::v1 {
class RevocationList;
class TrustBundle;
}  // namespace lb::type::v1

namespace lb::dataplane::tls {

inline constexpr int kMaxAuthorities = 1'000;  // Of one bundle.
inline constexpr int kMaxRevocationLists = 1'000;

class Trust final {
 public:
  // `revoked` may be nullptr: nothing is asked then. InvalidArgument for what does not parse.
  static absl::StatusOr<std::shared_ptr<const Trust>> Make(
      const lb::type::v1::TrustBundle& bundle, const lb::type::v1::RevocationList* revoked);

  // Makes `context` verify peers with it; a certificate is asked for, and must be good when there
  // is one.
  void Install(SSL_CTX* context) const;
  // Makes a server's `context` say whose certificates it takes, where they are few: a long list
  // would burden every handshake, and clients do without (RFC 8446 section 4.2.4).
  void Announce(SSL_CTX* context) const;

 private:
  // Names of authorities that a handshake can carry.
  static constexpr size_t kMaxAnnounced = 100;

  bssl::UniquePtr<X509_STORE> store_;
  std::vector<bssl::UniquePtr<X509_NAME>> names_;
};

}  // namespace lb::dataplane::tls
