// Which certificates of peers are taken: the rules that connections and health checks share, so
// that a backend that one of them takes is taken by the other one, too.
//
// An authority of the store stands for itself without those above it, as everywhere outside of
// OpenSSL. Where there are revocation lists, there must be one for each certificate below that
// authority (RFC 5280 section 6.1 asks nothing of a trust anchor): a revoked intermediate takes all
// that it signed with it. Threading: any; a store that is made is only read.
#pragma once

#include <openssl/x509.h>

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lb {

// One certificate of DER, all of it; nullptr when it is none. `der` is not kept.
bssl::UniquePtr<X509> ParseCertificate(std::string_view der);
// One revocation list of DER, likewise.
bssl::UniquePtr<X509_CRL> ParseCrl(std::string_view der);

// What a store is made of, in DER.
struct TrustMaterial {
  std::vector<std::string_view> authorities;
  // Absent: nothing is asked about revocations. Empty: nobody is taken.
  std::optional<std::vector<std::string_view>> crls = std::nullopt;
};

// Makes a store for SSL_CTX_set_cert_store. InvalidArgument names what does not parse.
absl::StatusOr<bssl::UniquePtr<X509_STORE>> MakeTrustStore(const TrustMaterial& material);

}  // namespace lb
