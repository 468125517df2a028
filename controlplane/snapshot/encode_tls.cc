#include "controlplane/snapshot/encode_tls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/snapshot/features.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::controlplane {
namespace {

type::v1::TlsVersion ToProto(TlsVersion version) {
  switch (version) {
    case TlsVersion::k12:
      return type::v1::TLS_VERSION_1_2;
    case TlsVersion::k13:
      return type::v1::TLS_VERSION_1_3;
  }
  LB_CHECK(false);
}

type::v1::ServerTls::ClientAuth ToProto(TlsConfig::ClientAuth auth) {
  switch (auth) {
    case TlsConfig::ClientAuth::kNone:
      return type::v1::ServerTls::CLIENT_AUTH_UNSPECIFIED;
    case TlsConfig::ClientAuth::kRequest:
      return type::v1::ServerTls::CLIENT_AUTH_REQUEST;
    case TlsConfig::ClientAuth::kRequire:
      return type::v1::ServerTls::CLIENT_AUTH_REQUIRE;
  }
  LB_CHECK(false);
}

uint64_t HandshakeMs(const LiveRule& rule) {
  return static_cast<uint64_t>(rule.timeouts.handshake.count());
}

// The id of what a file holds, which is noted in `used`.
template <typename Key, typename Value>
std::string IdIn(const std::map<Key, Value>& all, const Key& key,
                 std::map<std::string, const Value*>& used) {
  const auto found = all.find(key);
  LB_CHECK(found != all.end());
  used.emplace(found->second.id, &found->second);
  return found->second.id;
}

}  // namespace

void TlsEncoder::AddRule(const LiveRule& rule, type::v1::Rule& out) {
  if (rule.tls) AddServer(rule, out);
  if (rule.backend_tls) AddBackend(rule, out);
  for (const SniRouteConfig& route : rule.sni_routes)
    out.add_sni_routes()->mutable_names()->Assign(route.names.begin(), route.names.end());
  if (!rule.sni_routes.empty()) out.set_client_hello_timeout_ms(HandshakeMs(rule));
}

void TlsEncoder::AddServer(const LiveRule& rule, type::v1::Rule& out) {
  const TlsConfig& from = *rule.tls;
  type::v1::ServerTls& to = *out.mutable_tls();
  for (const CertificateFiles& files : from.certificates) {
    const std::string id = PairId(files);
    const auto& ids = to.certificates();
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) to.add_certificates(id);
  }
  to.set_strict_sni(from.strict_sni);
  to.set_min_version(ToProto(from.min_version));
  to.mutable_alpn()->Assign(from.alpn.begin(), from.alpn.end());
  to.set_client_auth(ToProto(from.client_auth));
  if (!from.client_ca.empty()) to.set_client_ca(BundleId(from.client_ca));
  if (!from.client_crl.empty()) to.set_client_crl(RevocationId(from.client_crl));
  to.set_handshake_timeout_ms(HandshakeMs(rule));
}

void TlsEncoder::AddBackend(const LiveRule& rule, type::v1::Rule& out) {
  const BackendTlsConfig& from = *rule.backend_tls;
  type::v1::BackendTls& to = *out.mutable_backend_tls();
  to.set_ignore_verify(from.ignore_verify);
  if (!from.ignore_verify) to.set_ca(BundleId(from.ca));
  to.set_pass_sni(from.pass_sni);
  if (!from.cert.empty()) to.set_certificate(PairId({from.cert, from.key, ""}));
  to.set_min_version(ToProto(from.min_version));
  to.mutable_alpn()->Assign(from.alpn.begin(), from.alpn.end());
  if (!from.crl.empty()) to.set_crl(RevocationId(from.crl));
  to.set_handshake_timeout_ms(HandshakeMs(rule));
}

void TlsEncoder::AddMaterial(type::v1::Snapshot& out) const {
  for (const auto& [id, pair] : pairs_) {
    type::v1::CertificatePair& to = *out.add_certificates();
    to.set_id(id);
    to.mutable_chain_der()->Assign(pair->chain_der.begin(), pair->chain_der.end());
    to.set_key_der(pair->key_der);
    to.set_ocsp_response_der(pair->ocsp_response_der);
    to.set_ocsp_next_update_s(pair->ocsp_next_update_s);
    to.mutable_names()->Assign(pair->facts.dns_names.begin(), pair->facts.dns_names.end());
  }
  for (const auto& [id, bundle] : bundles_) {
    type::v1::TrustBundle& to = *out.add_trust_bundles();
    to.set_id(id);
    to.mutable_certificates_der()->Assign(bundle->certificates_der.begin(),
                                          bundle->certificates_der.end());
  }
  for (const auto& [id, list] : revocations_) {
    type::v1::RevocationList& to = *out.add_revocation_lists();
    to.set_id(id);
    to.mutable_crls_der()->Assign(list->crls_der.begin(), list->crls_der.end());
  }
}

std::string TlsEncoder::PairId(const CertificateFiles& files) {
  if (material_ == nullptr) return absl::StrCat(files.cert, " ", files.key, " ", files.ocsp);
  return IdIn(material_->pairs, files, pairs_);
}

std::string TlsEncoder::BundleId(const std::string& name) {
  return material_ == nullptr ? name : IdIn(material_->bundles, name, bundles_);
}

std::string TlsEncoder::RevocationId(const std::string& file) {
  return material_ == nullptr ? file : IdIn(material_->revocations, file, revocations_);
}

void AddTlsFeatures(const LiveRule& rule, std::set<std::string>& features) {
  if (rule.tls) features.insert(kFeatureTls);
  if (rule.backend_tls) features.insert(kFeatureBackendTls);
  if (!rule.sni_routes.empty()) features.insert(kFeatureSni);
  if (rule.rate_limit && rule.rate_limit->client_cert) features.insert(kFeatureClientCertLimit);
}

}  // namespace lb::controlplane
