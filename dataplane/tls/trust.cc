#include "dataplane/tls/trust.h"

#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/tls_trust.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {

absl::StatusOr<std::shared_ptr<const Trust>> Trust::Make(
    const lb::type::v1::TrustBundle& bundle, const lb::type::v1::RevocationList* revoked) {
  const auto& authorities = bundle.certificates_der();
  if (authorities.empty() || authorities.size() > kMaxAuthorities)
    return absl::InvalidArgumentError(
        absl::StrCat(authorities.size(), " authorities are not in 1..", kMaxAuthorities));
  TrustMaterial material{{authorities.begin(), authorities.end()}};
  if (revoked != nullptr) {
    const auto& crls = revoked->crls_der();
    if (crls.size() > kMaxRevocationLists)
      return absl::InvalidArgumentError(
          absl::StrCat(crls.size(), " revocation lists; at most ", kMaxRevocationLists));
    material.crls.emplace(crls.begin(), crls.end());
  }
  auto trust = std::make_shared<Trust>();
  LB_ASSIGN_OR_RETURN(trust->store_, MakeTrustStore(material));
  for (const X509_OBJECT* object : X509_STORE_get0_objects(trust->store_.get()))
    if (const X509* authority = X509_OBJECT_get0_X509(object); authority != nullptr)
      trust->names_.emplace_back(X509_NAME_dup(X509_get_subject_name(authority)));
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
