// For tests: authorities, certificates and revocation lists, made anew each time by BoringSSL.
// Threading: none.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lb {

// A certificate with its key. Copies share both.
class TestCertificate final {
 public:
  enum class KeyType { kP256, kP224, kRsa2048, kRsa1024, kEd25519 };

  // A day in 2026: the time around which certificates of tests are valid.
  static constexpr int64_t kNowS = 1'780'000'000;
  static constexpr int64_t kDayS = 86'400;

  struct Options {
    std::string name = "test";        // The common name.
    std::string names = "DNS:test";   // "DNS:a.example,IP:10.0.0.1"; empty: none.
    std::string usage{};              // "serverAuth"; empty: any.
    std::string key_usage{};          // "digitalSignature"; empty: any.
    bool authority = false;           // May sign others.
    int64_t begin_s = kNowS - kDayS;  // Seconds since the epoch.
    int64_t end_s = kNowS + 90 * kDayS;
    KeyType key = KeyType::kP256;
  };

  // Signed by `by`; nullptr: by itself.
  static TestCertificate Make(const Options& options, const TestCertificate* by = nullptr);

  std::string CertPem() const;
  std::string KeyPem() const;           // PKCS8.
  std::string KeyPemOfType() const;     // "EC PRIVATE KEY", "RSA PRIVATE KEY"
  std::string EncryptedKeyPem() const;  // With a passphrase.
  std::string CertDer() const;
  std::string KeyDer() const;  // PKCS8.
  X509* x509() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

  // Lists of this one's: in PEM of nothing, in DER of these.
  std::string CrlPem(int64_t begin_s, int64_t end_s) const;
  std::string CrlDer(const std::vector<TestCertificate>& certificates, int64_t begin_s,
                     int64_t end_s) const;

 private:
  TestCertificate(bssl::UniquePtr<X509> certificate, bssl::UniquePtr<EVP_PKEY> key);
  bssl::UniquePtr<X509_CRL> Revoke(const std::vector<TestCertificate>& certificates,
                                   int64_t begin_s, int64_t end_s) const;

  std::shared_ptr<X509> certificate_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace lb
