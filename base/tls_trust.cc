#include "base/tls_trust.h"

#include <openssl/err.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb {
namespace {

template <typename T, typename Parse>
bssl::UniquePtr<T> ParseDer(std::string_view der, Parse parse) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(der.data());
  const uint8_t* at = begin;
  bssl::UniquePtr<T> parsed(parse(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();  // Nobody else may take our errors for theirs.
  if (parsed != nullptr && at != begin + der.size()) parsed.reset();
  return parsed;
}

// Whether the error only says that it cannot be known whether a certificate is revoked.
bool IsUnknownRevocation(int error) {
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
      return true;
    default:
      return false;
  }
}

// BoringSSL asks lists about the last certificate of a chain, too. It is the one that is trusted
// for itself: whoever signed it need not be known. A list that revokes it counts all the same.
int ExcuseAnchor(int good, X509_STORE_CTX* context) {
  if (good == 1) return 1;
  const STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(context);
  const size_t depth = static_cast<size_t>(X509_STORE_CTX_get_error_depth(context));
  if (chain == nullptr || depth + 1 != sk_X509_num(chain)) return 0;
  if (!IsUnknownRevocation(X509_STORE_CTX_get_error(context))) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  ERR_clear_error();
  return 1;
}

}  // namespace

bssl::UniquePtr<X509> ParseCertificate(std::string_view der) {
  return ParseDer<X509>(der, d2i_X509);
}

bssl::UniquePtr<X509_CRL> ParseCrl(std::string_view der) {
  return ParseDer<X509_CRL>(der, d2i_X509_CRL);
}

absl::StatusOr<bssl::UniquePtr<X509_STORE>> MakeTrustStore(const TrustMaterial& material) {
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  LB_CHECK(store != nullptr);
  size_t count = 0;
  for (const std::string_view der : material.authorities) {
    ++count;
    const bssl::UniquePtr<X509> authority = ParseCertificate(der);
    if (authority == nullptr || X509_STORE_add_cert(store.get(), authority.get()) != 1)
      return absl::InvalidArgumentError(absl::StrCat("authority ", count, " is no certificate"));
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  if (!material.crls) return store;
  count = 0;
  for (const std::string_view der : *material.crls) {
    ++count;
    const bssl::UniquePtr<X509_CRL> list = ParseCrl(der);
    if (list == nullptr || X509_STORE_add_crl(store.get(), list.get()) != 1)
      return absl::InvalidArgumentError(absl::StrCat("revocation list ", count, " is none"));
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  X509_STORE_set_verify_cb(store.get(), ExcuseAnchor);
  return store;
}

}  // namespace lb
