#include "controlplane/shell/test_certificates.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

constexpr int64_t kDayS = 24 * 60 * 60;

bssl::UniquePtr<EVP_PKEY> NewKey() {
  const bssl::UniquePtr<EC_KEY> made(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  LB_CHECK(EC_KEY_generate_key(made.get()) == 1 &&
           EVP_PKEY_set1_EC_KEY(key.get(), made.get()) == 1);
  return key;
}

void AddExtension(X509* certificate, int nid, std::string value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, nid, value.data()));
  LB_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

bssl::UniquePtr<X509> NewCertificate(const std::string& name, EVP_PKEY* key, int starts_days,
                                     int ends_days) {
  bssl::UniquePtr<X509> made(X509_new());
  X509* const raw = made.get();
  uint64_t serial = 0;
  LB_CHECK(RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof(serial)) == 1);
  const auto* const text = reinterpret_cast<const uint8_t*>(name.c_str());
  LB_CHECK(X509_set_version(raw, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(raw), starts_days * kDayS) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(raw), ends_days * kDayS) != nullptr &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8, text, -1, -1,
                                      0) == 1 &&
           X509_set_pubkey(raw, key) == 1);
  return made;
}

template <typename T, typename Write>
std::string DerOf(T* value, Write write) {
  uint8_t* bytes = nullptr;
  const int size = write(value, &bytes);
  LB_CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

std::string DerOf(X509* certificate) { return DerOf(certificate, i2d_X509); }

std::string DerOf(EVP_PKEY* key) {
  bssl::ScopedCBB cbb;
  LB_CHECK(CBB_init(cbb.get(), 256) == 1 && EVP_marshal_private_key(cbb.get(), key) == 1);
  return {reinterpret_cast<const char*>(CBB_data(cbb.get())), CBB_len(cbb.get())};
}

bssl::UniquePtr<X509> CertificateOf(const CertificatePair& pair) {
  const std::string& der = pair.chain_der.at(0);
  const auto* data = reinterpret_cast<const uint8_t*>(der.data());
  return bssl::UniquePtr<X509>(d2i_X509(nullptr, &data, static_cast<long>(der.size())));  // NOLINT
}

bssl::UniquePtr<EVP_PKEY> KeyOf(const CertificatePair& pair) {
  CBS der;
  CBS_init(&der, reinterpret_cast<const uint8_t*>(pair.key_der.data()), pair.key_der.size());
  return bssl::UniquePtr<EVP_PKEY>(EVP_parse_private_key(&der));
}

template <typename Write>
std::string Pem(Write write) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t size = 0;
  LB_CHECK(write(bio.get()) == 1 && BIO_mem_contents(bio.get(), &data, &size) == 1);
  return {reinterpret_cast<const char*>(data), size};
}

std::string PemOf(X509* certificate) {
  return Pem([=](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(NewKey()), certificate_(NewCertificate(name, key_.get(), -1, 30)) {
  X509* const raw = certificate_.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  AddExtension(raw, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  LB_CHECK(X509_sign(raw, key_.get(), EVP_sha256()) > 0);
}

CertificatePair TestAuthority::Issue(const Leaf& leaf) const {
  const bssl::UniquePtr<EVP_PKEY> key = NewKey();
  const bssl::UniquePtr<X509> made =
      NewCertificate("web.internal", key.get(), leaf.starts_days, leaf.ends_days);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  if (!leaf.names.empty()) AddExtension(made.get(), NID_subject_alt_name, leaf.names);
  AddExtension(made.get(), NID_ext_key_usage, leaf.for_clients ? "clientAuth" : "serverAuth");
  LB_CHECK(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  CertificatePair pair;
  pair.chain_der = {DerOf(made.get())};
  pair.key_der = DerOf(key.get());
  pair.id = Sha256(pair.chain_der[0]);
  return pair;
}

RevocationList TestAuthority::Revoke(const std::vector<CertificatePair>& pairs) const {
  const bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  const bssl::UniquePtr<ASN1_TIME> now(X509_gmtime_adj(nullptr, -kDayS));
  const bssl::UniquePtr<ASN1_TIME> next(X509_gmtime_adj(nullptr, kDayS));
  LB_CHECK(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())) == 1 &&
           X509_CRL_set1_lastUpdate(list.get(), now.get()) == 1 &&
           X509_CRL_set1_nextUpdate(list.get(), next.get()) == 1);
  for (const CertificatePair& pair : pairs) {
    bssl::UniquePtr<X509_REVOKED> revoked(X509_REVOKED_new());
    LB_CHECK(X509_REVOKED_set_serialNumber(revoked.get(),
                                           X509_get_serialNumber(CertificateOf(pair).get())) == 1 &&
             X509_REVOKED_set_revocationDate(revoked.get(), now.get()) == 1 &&
             X509_CRL_add0_revoked(list.get(), revoked.release()) == 1);
  }
  LB_CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  RevocationList out;
  out.crls_der = {DerOf(list.get(), i2d_X509_CRL)};
  out.id = Sha256(out.crls_der[0]);
  return out;
}

TrustBundle TestAuthority::bundle() const {
  TrustBundle bundle;
  bundle.certificates_der = {DerOf(certificate_.get())};
  bundle.id = Sha256(bundle.certificates_der[0]);
  return bundle;
}

std::string TestAuthority::pem() const { return PemOf(certificate_.get()); }

std::string CertificatePem(const CertificatePair& pair) { return PemOf(CertificateOf(pair).get()); }

std::string KeyPem(const CertificatePair& pair) {
  const bssl::UniquePtr<EVP_PKEY> key = KeyOf(pair);
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

bssl::UniquePtr<SSL_CTX> ServerContext(const CertificatePair& pair) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  LB_CHECK(SSL_CTX_use_certificate(context.get(), CertificateOf(pair).get()) == 1 &&
           SSL_CTX_use_PrivateKey(context.get(), KeyOf(pair).get()) == 1);
  return context;
}

}  // namespace lb::controlplane
