// OCSP responses (RFC 6960), as far as one that is stapled has to be looked at. Pure; threading:
// none.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb::controlplane {

struct OcspResponse {
  int64_t this_update_s = 0;  // Seconds since the epoch.
  int64_t next_update_s = 0;
};

// Looks whether `der` says that `certificate` is good, at `now_s` (seconds since the epoch).
// `issuer` may be nullptr: then only its name is compared. Its signature is for clients to verify.
// InvalidArgument says why it is not to be stapled.
absl::StatusOr<OcspResponse> ReadOcsp(std::string_view der, const X509* certificate,
                                      const X509* issuer, int64_t now_s);

}  // namespace lb::controlplane
