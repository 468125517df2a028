// What the files of TLS hold, checked and ready to be sent: certificates with their keys,
// authorities, revocation lists.
//
// Keyed by file name, as the configuration names them. Ids are made of the content: the same id is
// the same content. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/config/tls_config.h"

namespace lb::controlplane {

// What people want to know of a certificate.
struct CertificateFacts {
  std::string subject;  // "CN=www.example.com,O=Example"
  std::string issuer;
  std::string serial_number;           // Hex.
  std::vector<std::string> dns_names;  // Lower case, sorted, each once.
  std::vector<std::string> addresses;  // IP addresses, likewise.
  std::string key_type;                // "ECDSA P-256", "RSA 2048"
  std::string sha256;                  // Of the DER, hex.
  int64_t not_before_s = 0;            // Seconds since the epoch.
  int64_t not_after_s = 0;

  friend bool operator==(const CertificateFacts&, const CertificateFacts&) = default;
};

struct CertificatePair {
  std::string id;
  std::vector<std::string> chain_der;  // The certificate, then those that signed it, in order.
  std::string key_der;                 // PKCS8, RFC 5208. Never logged or shown.
  std::string ocsp_response_der;       // Empty: nothing is stapled.
  int64_t ocsp_this_update_s = 0;
  int64_t ocsp_next_update_s = 0;
  CertificateFacts facts;

  friend bool operator==(const CertificatePair&, const CertificatePair&) = default;
};

struct TrustBundle {
  std::string id;
  std::vector<std::string> certificates_der;
  CertificateFacts first_to_expire;

  friend bool operator==(const TrustBundle&, const TrustBundle&) = default;
};

struct RevocationList {
  std::string id;
  std::vector<std::string> crls_der;
  std::string issuer;         // Of the one whose next update is first.
  int64_t last_update_s = 0;  // Of that one, too.
  int64_t next_update_s = 0;  // 0: none is said.

  friend bool operator==(const RevocationList&, const RevocationList&) = default;
};

// Everything that one configuration names.
struct TlsMaterial {
  std::map<CertificateFiles, CertificatePair> pairs;
  std::map<std::string, TrustBundle> bundles;  // "" are the system's authorities.
  std::map<std::string, RevocationList> revocations;

  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

}  // namespace lb::controlplane
