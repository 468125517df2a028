#include "controlplane/tls/chain.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "controlplane/tls/pair.h"

namespace lb::controlplane {
namespace {

bool Signed(const X509* by, const X509* certificate) {
  // BoringSSL's functions take what they do not change without const.
  X509* const issuer = const_cast<X509*>(by);
  X509* const subject = const_cast<X509*>(certificate);
  if (X509_check_issued(issuer, subject) != X509_V_OK) return false;
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(issuer));
  return key != nullptr && X509_verify(subject, key.get()) == 1;
}

bool IsOfKey(const X509* certificate, const EVP_PKEY* key) {
  return X509_check_private_key(const_cast<X509*>(certificate), const_cast<EVP_PKEY*>(key)) == 1;
}

}  // namespace

Chain ChainOf(const std::vector<bssl::UniquePtr<X509>>& certificates, const EVP_PKEY* key,
              size_t& unused) {
  std::vector<const X509*> left;
  left.reserve(certificates.size());
  for (const auto& certificate : certificates) left.push_back(certificate.get());
  Chain chain;
  const auto take = [&](auto is_wanted) {
    const auto at = std::find_if(left.begin(), left.end(), is_wanted);
    if (at == left.end()) return false;
    chain.push_back(*at);
    left.erase(at);
    return true;
  };
  if (take([&](const X509* one) { return IsOfKey(one, key); }))
    while (chain.size() <= kMaxChainCertificates &&
           take([&](const X509* one) { return Signed(one, chain.back()); })) {
    }
  ERR_clear_error();
  unused = left.size();
  return chain;
}

}  // namespace lb::controlplane
