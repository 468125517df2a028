// What went wrong in a TLS handshake, in words for the operator of a backend.
//
// All texts are bounded, and bytes that came from the peer are escaped. Threading: none.
#pragma once

#include <openssl/base.h>

#include <cstdint>
#include <string>

#include "controlplane/loop/action.h"

namespace lb::controlplane {

// What a verification was about, for its text.
struct VerifiedBy {
  explicit VerifiedBy(const ProbeTls& tls);

  std::string server_name;
  std::string ca;   // A file.
  std::string crl;  // A file; empty: none.
};

// Says why `store` did not take the certificate: "certificate is for a.example, not b.example".
std::string CertificateProblem(X509_STORE_CTX* store, const VerifiedBy& by);

// Says what the oldest error of BoringSSL's queue (err.h) means: "handshake failed (protocol
// version)". `wants_certificate`: the backend asked for one and we had none.
std::string HandshakeProblem(uint32_t error, bool wants_certificate);

}  // namespace lb::controlplane
