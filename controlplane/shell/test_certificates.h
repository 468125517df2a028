// Certificates for tests, made anew each time by an authority of the test's own. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/tls/material.h"

namespace lb::controlplane {

class TestAuthority final {
 public:
  struct Leaf {
    std::string names = "DNS:web.internal";  // As OpenSSL writes them; empty: a common name only.
    int starts_days = -1;                    // From now.
    int ends_days = 30;
    bool for_clients = false;
  };

  explicit TestAuthority(const std::string& name);

  // The id is of the content, as of real material.
  CertificatePair Issue(const Leaf& leaf) const;
  RevocationList Revoke(const std::vector<CertificatePair>& pairs) const;
  TrustBundle bundle() const;
  // Itself, as a server takes it.
  std::string pem() const;
  X509* certificate() const { return certificate_.get(); }

 private:
  bssl::UniquePtr<EVP_PKEY> key_;
  bssl::UniquePtr<X509> certificate_;
};

// As gRPC's servers take them.
std::string CertificatePem(const CertificatePair& pair);
std::string KeyPem(const CertificatePair& pair);
// As BoringSSL's servers take it.
bssl::UniquePtr<SSL_CTX> ServerContext(const CertificatePair& pair);

}  // namespace lb::controlplane
