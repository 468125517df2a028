// The certificates of a file put in order. Pure; threading: none.
#pragma once

#include <openssl/x509.h>

#include <cstddef>
#include <vector>

namespace lb::controlplane {

using Chain = std::vector<const X509*>;

// The certificate of `key`, then each that signed the one before it, in whatever order they stand;
// empty when none is of that key. It is given up when it has one more than kMaxChainCertificates:
// each step may try every certificate. `unused` is set to the number of those that are not in it.
Chain ChainOf(const std::vector<bssl::UniquePtr<X509>>& certificates, const EVP_PKEY* key,
              size_t& unused);

}  // namespace lb::controlplane
