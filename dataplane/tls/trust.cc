#include "dataplane/tls/trust.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {
namespace {

template <typename Parse>
auto ParseDer(const std::string& der, Parse parse) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  return parse(nullptr, &at, static_cast<long>(der.size()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Trust>> Trust::Make(
    const lb::type::v1::TrustBundle& bundle, const lb::type::v1::RevocationList* revoked) {
  if (bundle.certificates_der_size() < 1 || bundle.certificates_der_size() > kMaxAuthorities)
    return absl::InvalidArgumentError(absl::StrCat(bundle.certificates_der_size(),
                                                   " authorities are not in 1..", kMaxAuthorities));
  auto trust = std::make_shared<Trust>();
  trust->store_.reset(X509_STORE_new());
  LB_CHECK(trust->store_ != nullptr);
  for (const std::string& der : bundle.certificates_der()) {
    const bssl::UniquePtr<X509> authority(ParseDer(der, d2i_X509));
    if (authority == nullptr) {
      ERR_clear_error();
      return absl::InvalidArgumentError(
          absl::StrCat("authority ", trust->names_.size() + 1, " is no certificate"));
    }
    X509_STORE_add_cert(trust->store_.get(), authority.get());
    trust->names_.emplace_back(X509_NAME_dup(X509_get_subject_name(authority.get())));
  }
  if (revoked != nullptr) {
    if (revoked->crls_der_size() > kMaxRevocationLists)
      return absl::InvalidArgumentError(absl::StrCat(
          revoked->crls_der_size(), " revocation lists; at most ", kMaxRevocationLists));
    for (const std::string& der : revoked->crls_der()) {
      const bssl::UniquePtr<X509_CRL> list(ParseDer(der, d2i_X509_CRL));
      if (list == nullptr || X509_STORE_add_crl(trust->store_.get(), list.get()) != 1) {
        ERR_clear_error();
        return absl::InvalidArgumentError("a revocation list is none");
      }
    }
    X509_STORE_set_flags(trust->store_.get(), X509_V_FLAG_CRL_CHECK);
  }
  // An authority may stand for itself without those above it, as everywhere outside of OpenSSL.
  X509_STORE_set_flags(trust->store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return std::shared_ptr<const Trust>(std::move(trust));
}

void Trust::Install(SSL_CTX* context) const {
  X509_STORE_up_ref(store_.get());
  SSL_CTX_set_cert_store(context, store_.get());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

void Trust::Announce(SSL_CTX* context) const {
  if (names_.size() > kMaxAnnounced) return;
  bssl::UniquePtr<STACK_OF(X509_NAME)> list(sk_X509_NAME_new_null());
  for (const auto& name : names_)
    LB_CHECK(bssl::PushToStack(list.get(), bssl::UniquePtr<X509_NAME>(X509_NAME_dup(name.get()))));
  SSL_CTX_set_client_CA_list(context, list.release());
}

}  // namespace lb::dataplane::tls
