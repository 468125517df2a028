// For tests: an authority whose certificates are valid now, and BoringSSL contexts of peers that
// use them. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "base/test_certificate.h"

namespace lb {

class TestAuthority final {
 public:
  struct Leaf {
    std::string name = "web.internal";  // Its DNS name too, unless alt_names says others.
    int starts_days = -1;               // From now.
    int ends_days = 30;
    bool for_clients = false;
    bool rsa = false;
    std::string alt_names{};  // "DNS:a.example, IP:10.0.0.1, URI:spiffe://a"; "-": none.
  };

  explicit TestAuthority(const std::string& name);

  TestCertificate Issue(const Leaf& leaf) const;
  // Its revocation list, in DER.
  std::string Revoke(const std::vector<TestCertificate>& certificates) const;
  const TestCertificate& certificate() const { return certificate_; }
  std::string der() const { return certificate_.CertDer(); }

 private:
  const TestCertificate certificate_;
};

// Makes a context show it: a server's, or a client's to those that ask.
void ShowCertificate(SSL_CTX* context, const TestCertificate& certificate);

// Contexts of a peer.
bssl::UniquePtr<SSL_CTX> ServerContextOf(const TestCertificate& certificate);
// Trusts `authority` only, where there is one; else anybody.
bssl::UniquePtr<SSL_CTX> ClientContextOf(const TestAuthority* authority);

}  // namespace lb
