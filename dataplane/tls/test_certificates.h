// Certificates for tests, made anew each time, and BoringSSL contexts of peers that use them.
// Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace lb::dataplane {

// A certificate with its key, as a snapshot carries them.
struct TestCertificate {
  std::string der;
  std::string key_der;  // PKCS8
};

// Makes certificates that it signs.
class TestAuthority final {
 public:
  struct Leaf {
    std::string name;      // Its DNS name.
    int starts_days = -1;  // From now.
    int ends_days = 30;
    bool for_clients = false;
  };

  explicit TestAuthority(const std::string& name);

  TestCertificate Issue(const Leaf& leaf) const;
  const std::string& der() const { return der_; }

 private:
  bssl::UniquePtr<EVP_PKEY> key_;
  bssl::UniquePtr<X509> certificate_;
  std::string der_;
};

// Contexts of a peer.
bssl::UniquePtr<SSL_CTX> ServerContextOf(const TestCertificate& certificate);
// Trusts `authority` only, where there is one; else anybody.
bssl::UniquePtr<SSL_CTX> ClientContextOf(const TestAuthority* authority);

}  // namespace lb::dataplane
