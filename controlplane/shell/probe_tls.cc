#include "controlplane/shell/probe_tls.h"

#include <arpa/inet.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/tls_trust.h"
#include "controlplane/shell/probe_tls_end.h"
#include "controlplane/shell/tls_problem.h"

namespace lb::controlplane {
namespace {

// Of TLS 1.2, as connections to backends offer them; those of TLS 1.3 are fixed.
constexpr char kSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

absl::Status Missing(absl::string_view what, const std::string& file) {
  return absl::FailedPreconditionError(absl::StrCat(what, " of ", file, " cannot be used"));
}

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bool UsePair(SSL_CTX* context, const CertificatePair& pair) {
  for (size_t i = 0; i < pair.chain_der.size(); ++i) {
    const bssl::UniquePtr<X509> certificate = ParseCertificate(pair.chain_der[i]);
    if (certificate == nullptr) return false;
    if ((i == 0 ? SSL_CTX_use_certificate(context, certificate.get())
                : SSL_CTX_add1_chain_cert(context, certificate.get())) != 1)
      return false;
  }
  CBS der;
  CBS_init(&der, Bytes(pair.key_der), pair.key_der.size());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_parse_private_key(&der));
  return key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

bool IsAddress(const std::string& name) {
  in6_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// What the certificate must be for; an address is not asked for by SNI (RFC 6066 section 3).
bool SetName(SSL* ssl, const std::string& name, bool verify) {
  const bool is_address = IsAddress(name);
  if (!name.empty() && !is_address && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    return false;
  if (!verify) return true;
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return (is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str())
                     : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size())) == 1;
}

// Makes room for one more where `kept` is full.
template <typename Map>
void MakeRoom(Map& kept, size_t max) {
  if (kept.size() < max) return;
  kept.erase(std::min_element(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    return a.second.last_use < b.second.last_use;
  }));
}

template <typename Map, typename Key>
auto Find(const Map& map, const Key& key) -> const typename Map::mapped_type* {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

}  // namespace

// What the settings name, looked up; nullptr: not named.
struct ProbeTlsContexts::Parts {
  const TrustBundle* bundle = nullptr;
  const RevocationList* crl = nullptr;
  const CertificatePair* pair = nullptr;

  // FailedPrecondition names what the material does not hold.
  static absl::StatusOr<Parts> Of(const ProbeTls& tls) {
    static const TlsMaterial kNone;
    const TlsMaterial& material = tls.material == nullptr ? kNone : *tls.material;
    const BackendTlsConfig& settings = *tls.settings;
    Parts parts;
    if (!settings.ignore_verify) {
      parts.bundle = Find(material.bundles, settings.ca);
      if (parts.bundle == nullptr) return Missing("authorities", VerifiedBy(tls).ca);
      if (!settings.crl.empty()) {
        parts.crl = Find(material.revocations, settings.crl);
        if (parts.crl == nullptr) return Missing("revocation list", settings.crl);
      }
    }
    if (!settings.cert.empty()) {
      parts.pair = Find(material.pairs, CertificateFiles{settings.cert, settings.key, ""});
      if (parts.pair == nullptr) return Missing("certificate", settings.cert);
    }
    return parts;
  }
};

absl::StatusOr<X509_STORE*> ProbeTlsContexts::StoreOf(const StoreKey& key, const Parts& parts) {
  const auto it = stores_.find(key);
  if (it != stores_.end()) {
    it->second.last_use = ++uses_;
    return it->second.value.get();
  }
  const auto& authorities = parts.bundle->certificates_der;
  TrustMaterial material{{authorities.begin(), authorities.end()}};
  if (parts.crl != nullptr)
    material.crls.emplace(parts.crl->crls_der.begin(), parts.crl->crls_der.end());
  absl::StatusOr<bssl::UniquePtr<X509_STORE>> store = MakeTrustStore(material);
  if (!store.ok()) return absl::FailedPreconditionError(store.status().message());
  MakeRoom(stores_, kMaxStores);
  return stores_.emplace(key, Kept<X509_STORE>{*std::move(store), ++uses_})
      .first->second.value.get();
}

absl::StatusOr<SSL_CTX*> ProbeTlsContexts::ContextOf(const ProbeTls& tls) {
  LB_ASSIGN_OR_RETURN(const Parts parts, Parts::Of(tls));
  const BackendTlsConfig& settings = *tls.settings;
  const ContextKey key{.store = {parts.bundle == nullptr ? "" : parts.bundle->id,
                                 parts.crl == nullptr ? "" : parts.crl->id},
                       .pair = parts.pair == nullptr ? "" : parts.pair->id,
                       .verify = !settings.ignore_verify,
                       .min_version = settings.min_version};
  const auto it = contexts_.find(key);
  if (it != contexts_.end()) {
    it->second.last_use = ++uses_;
    return it->second.value.get();
  }
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  LB_CHECK(context != nullptr);
  const uint16_t min_version =
      settings.min_version == TlsVersion::k13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  LB_CHECK(SSL_CTX_set_min_proto_version(context.get(), min_version) == 1 &&
           SSL_CTX_set_strict_cipher_list(context.get(), kSuites) == 1);
  if (parts.pair != nullptr && !UsePair(context.get(), *parts.pair))
    return Missing("certificate", settings.cert);
  if (key.verify) {
    LB_ASSIGN_OR_RETURN(X509_STORE * store, StoreOf(key.store, parts));
    X509_STORE_up_ref(store);
    SSL_CTX_set_cert_store(context.get(), store);
  }
  SSL_CTX_set_verify(context.get(), key.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  ProbeTlsEnd::SetCallbacks(context.get());
  MakeRoom(contexts_, kMaxContexts);
  return contexts_.emplace(key, Kept<SSL_CTX>{std::move(context), ++uses_})
      .first->second.value.get();
}

absl::StatusOr<bssl::UniquePtr<SSL>> ProbeTlsContexts::NewSsl(const ProbeTls& tls) {
  const bool verify = !tls.settings->ignore_verify;
  if (verify && tls.server_name.empty())
    return absl::FailedPreconditionError("no name to verify: set server_name");
  LB_ASSIGN_OR_RETURN(SSL_CTX * context, ContextOf(tls));
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  LB_CHECK(ssl != nullptr);
  if (!SetName(ssl.get(), tls.server_name, verify))
    return absl::FailedPreconditionError(
        absl::StrCat("'", tls.server_name, "' is no name that can be asked for"));
  return ssl;
}

}  // namespace lb::controlplane
