#include "dataplane/tls/test_certificates.h"

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>

#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr long kDayS = 24 * 60 * 60;  // NOLINT: what ASN1_TIME_adj takes.

bssl::UniquePtr<EVP_PKEY> NewRsaKey() {
  const bssl::UniquePtr<RSA> made(RSA_new());
  const bssl::UniquePtr<BIGNUM> exponent(BN_new());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  LB_CHECK(BN_set_word(exponent.get(), RSA_F4) == 1 &&
           RSA_generate_key_ex(made.get(), 2048, exponent.get(), nullptr) == 1 &&
           EVP_PKEY_set1_RSA(key.get(), made.get()) == 1);
  return key;
}

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
  LB_CHECK(RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof serial) == 1);
  serial >>= 1;
  const auto* const text = reinterpret_cast<const uint8_t*>(name.c_str());
  LB_CHECK(X509_set_version(raw, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), serial) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(raw), starts_days * kDayS) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(raw), ends_days * kDayS) != nullptr &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8, text, -1, -1,
                                      0) == 1 &&
           X509_set_pubkey(raw, key) == 1);
  return made;
}

std::string DerOf(X509* certificate) {
  uint8_t* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  LB_CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

std::string DerOf(EVP_PKEY* key) {
  bssl::ScopedCBB cbb;
  LB_CHECK(CBB_init(cbb.get(), 256) == 1 && EVP_marshal_private_key(cbb.get(), key) == 1);
  return {reinterpret_cast<const char*>(CBB_data(cbb.get())), CBB_len(cbb.get())};
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(NewKey()), certificate_(NewCertificate(name, key_.get(), -1, 30)) {
  X509* const raw = certificate_.get();
  X509_set_issuer_name(raw, X509_get_subject_name(raw));
  AddExtension(raw, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(raw, NID_key_usage, "critical,keyCertSign,cRLSign");
  LB_CHECK(X509_sign(raw, key_.get(), EVP_sha256()) > 0);
  der_ = DerOf(raw);
}

TestCertificate TestAuthority::Issue(const Leaf& leaf) const {
  const bssl::UniquePtr<EVP_PKEY> key = leaf.rsa ? NewRsaKey() : NewKey();
  const bssl::UniquePtr<X509> made =
      NewCertificate(leaf.name, key.get(), leaf.starts_days, leaf.ends_days);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  if (leaf.alt_names != "-")
    AddExtension(made.get(), NID_subject_alt_name,
                 leaf.alt_names.empty() ? "DNS:" + leaf.name : leaf.alt_names);
  AddExtension(made.get(), NID_ext_key_usage, leaf.for_clients ? "clientAuth" : "serverAuth");
  LB_CHECK(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  return {DerOf(made.get()), DerOf(key.get())};
}

std::string TestAuthority::Revoke(const std::vector<TestCertificate>& certificates) const {
  const bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  const bssl::UniquePtr<ASN1_TIME> began(X509_gmtime_adj(nullptr, -kDayS));
  const bssl::UniquePtr<ASN1_TIME> next(X509_gmtime_adj(nullptr, kDayS));
  LB_CHECK(X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())) == 1 &&
           X509_CRL_set1_lastUpdate(list.get(), began.get()) == 1 &&
           X509_CRL_set1_nextUpdate(list.get(), next.get()) == 1);
  for (const TestCertificate& certificate : certificates) {
    const auto* at = reinterpret_cast<const uint8_t*>(certificate.der.data());
    const bssl::UniquePtr<X509> parsed(
        d2i_X509(nullptr, &at, static_cast<long>(certificate.der.size())));  // NOLINT
    bssl::UniquePtr<X509_REVOKED> entry(X509_REVOKED_new());
    X509_REVOKED_set_serialNumber(entry.get(), X509_get_serialNumber(parsed.get()));
    X509_REVOKED_set_revocationDate(entry.get(), began.get());
    LB_CHECK(X509_CRL_add0_revoked(list.get(), entry.release()) == 1);
  }
  LB_CHECK(X509_CRL_sort(list.get()) == 1 &&
           X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  uint8_t* bytes = nullptr;
  const int size = i2d_X509_CRL(list.get(), &bytes);
  LB_CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

void ShowCertificate(SSL_CTX* context, const TestCertificate& certificate) {
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(certificate.key_der.data()),
           certificate.key_der.size());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_parse_private_key(&cbs));
  LB_CHECK(SSL_CTX_use_certificate_ASN1(context, certificate.der.size(),
                                        reinterpret_cast<const uint8_t*>(certificate.der.data())) ==
               1 &&
           SSL_CTX_use_PrivateKey(context, key.get()) == 1);
}

bssl::UniquePtr<SSL_CTX> ServerContextOf(const TestCertificate& certificate) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ShowCertificate(context.get(), certificate);
  return context;
}

bssl::UniquePtr<SSL_CTX> ClientContextOf(const TestAuthority* authority) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  if (authority == nullptr) return context;
  const auto* der = reinterpret_cast<const uint8_t*>(authority->der().data());
  const bssl::UniquePtr<X509> root(
      d2i_X509(nullptr, &der, static_cast<long>(authority->der().size())));  // NOLINT
  LB_CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), root.get()) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace lb::dataplane
