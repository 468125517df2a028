#include "base/test_certificate.h"

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <utility>

#include "base/check.h"

namespace lb {
namespace {

using Key = bssl::UniquePtr<EVP_PKEY>;

Key NewEcKey(int curve) {
  const bssl::UniquePtr<EC_KEY> made(EC_KEY_new_by_curve_name(curve));
  Key key(EVP_PKEY_new());
  LB_CHECK(EC_KEY_generate_key(made.get()) == 1);
  LB_CHECK(EVP_PKEY_set1_EC_KEY(key.get(), made.get()) == 1);
  return key;
}

Key NewRsaKey(int bits) {
  const bssl::UniquePtr<RSA> made(RSA_new());
  const bssl::UniquePtr<BIGNUM> exponent(BN_new());
  Key key(EVP_PKEY_new());
  LB_CHECK(BN_set_word(exponent.get(), RSA_F4) == 1);
  LB_CHECK(RSA_generate_key_ex(made.get(), bits, exponent.get(), nullptr) == 1);
  LB_CHECK(EVP_PKEY_set1_RSA(key.get(), made.get()) == 1);
  return key;
}

Key NewKey(TestCertificate::KeyType type) {
  switch (type) {
    case TestCertificate::KeyType::kP256:
      return NewEcKey(NID_X9_62_prime256v1);
    case TestCertificate::KeyType::kP224:
      return NewEcKey(NID_secp224r1);
    case TestCertificate::KeyType::kRsa2048:
      return NewRsaKey(2048);
    case TestCertificate::KeyType::kRsa1024:
      return NewRsaKey(1024);
    case TestCertificate::KeyType::kEd25519:
      break;
  }
  std::array<uint8_t, ED25519_PUBLIC_KEY_LEN> public_key{};
  std::array<uint8_t, ED25519_PRIVATE_KEY_LEN> private_key{};
  ED25519_keypair(public_key.data(), private_key.data());
  return Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, private_key.data(), 32));
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  std::string copy = value;
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, &context, nid, copy.data()));
  LB_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

template <typename Write>
std::string Pem(Write write) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  LB_CHECK(write(bio.get()) == 1 && BIO_mem_contents(bio.get(), &data, &bytes) == 1);
  return {reinterpret_cast<const char*>(data), bytes};
}

template <typename T, typename Write>
std::string Der(T* value, Write write) {
  uint8_t* bytes = nullptr;
  const int size = write(value, &bytes);
  LB_CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owned(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

const EVP_MD* DigestFor(const EVP_PKEY* key) {
  return EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

}  // namespace

TestCertificate::TestCertificate(bssl::UniquePtr<X509> certificate, bssl::UniquePtr<EVP_PKEY> key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

TestCertificate TestCertificate::Make(const Options& options, const TestCertificate* by) {
  Key key = NewKey(options.key);
  bssl::UniquePtr<X509> certificate(X509_new());
  X509* const raw = certificate.get();
  std::array<uint8_t, 8> serial{};
  RAND_bytes(serial.data(), serial.size());
  serial[0] = 1;
  const bssl::UniquePtr<BIGNUM> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  LB_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(raw)) != nullptr);
  LB_CHECK(X509_set_version(raw, X509_VERSION_3) == 1);
  LB_CHECK(ASN1_TIME_set(X509_getm_notBefore(raw), options.begin_s) != nullptr);
  LB_CHECK(ASN1_TIME_set(X509_getm_notAfter(raw), options.end_s) != nullptr);
  LB_CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(raw), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const uint8_t*>(options.name.c_str()), -1,
                                      -1, 0) == 1);
  LB_CHECK(X509_set_pubkey(raw, key.get()) == 1);
  X509* const issuer = by == nullptr ? raw : by->certificate_.get();
  EVP_PKEY* const signer = by == nullptr ? key.get() : by->key_.get();
  LB_CHECK(X509_set_issuer_name(raw, X509_get_subject_name(issuer)) == 1);
  AddExtension(raw, issuer, NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "");
  AddExtension(raw, issuer, NID_key_usage, options.key_usage);
  AddExtension(raw, issuer, NID_ext_key_usage, options.usage);
  AddExtension(raw, issuer, NID_subject_alt_name, options.names);
  LB_CHECK(X509_sign(raw, signer, DigestFor(signer)) > 0);
  return {std::move(certificate), std::move(key)};
}

std::string TestCertificate::CertPem() const {
  return Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
}

std::string TestCertificate::KeyPem() const {
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string TestCertificate::KeyPemOfType() const {
  return Pem([&](BIO* bio) {
    if (EVP_PKEY_id(key_.get()) == EVP_PKEY_RSA)
      return PEM_write_bio_RSAPrivateKey(bio, EVP_PKEY_get0_RSA(key_.get()), nullptr, nullptr, 0,
                                         nullptr, nullptr);
    return PEM_write_bio_ECPrivateKey(bio, EVP_PKEY_get0_EC_KEY(key_.get()), nullptr, nullptr, 0,
                                      nullptr, nullptr);
  });
}

std::string TestCertificate::EncryptedKeyPem() const {
  std::string passphrase = "secret";
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), EVP_aes_128_cbc(), passphrase.data(),
                                         static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

std::string TestCertificate::CertDer() const { return Der(certificate_.get(), i2d_X509); }

std::string TestCertificate::KeyDer() const {
  bssl::ScopedCBB cbb;
  LB_CHECK(CBB_init(cbb.get(), 0) == 1 && EVP_marshal_private_key(cbb.get(), key_.get()) == 1);
  return {reinterpret_cast<const char*>(CBB_data(cbb.get())), CBB_len(cbb.get())};
}

bssl::UniquePtr<X509_CRL> TestCertificate::Revoke(const std::vector<TestCertificate>& certificates,
                                                  int64_t begin_s, int64_t end_s) const {
  bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  X509_CRL* const raw = list.get();
  const bssl::UniquePtr<ASN1_TIME> begin(ASN1_TIME_set(nullptr, begin_s));
  const bssl::UniquePtr<ASN1_TIME> end(ASN1_TIME_set(nullptr, end_s));
  LB_CHECK(X509_CRL_set_version(raw, X509_CRL_VERSION_2) == 1);
  LB_CHECK(X509_CRL_set_issuer_name(raw, X509_get_subject_name(certificate_.get())) == 1);
  LB_CHECK(X509_CRL_set1_lastUpdate(raw, begin.get()) == 1);
  LB_CHECK(X509_CRL_set1_nextUpdate(raw, end.get()) == 1);
  for (const TestCertificate& certificate : certificates) {
    bssl::UniquePtr<X509_REVOKED> entry(X509_REVOKED_new());
    LB_CHECK(X509_REVOKED_set_serialNumber(
                 entry.get(), X509_get_serialNumber(certificate.certificate_.get())) == 1);
    LB_CHECK(X509_REVOKED_set_revocationDate(entry.get(), begin.get()) == 1);
    LB_CHECK(X509_CRL_add0_revoked(raw, entry.release()) == 1);
  }
  LB_CHECK(X509_CRL_sort(raw) == 1 && X509_CRL_sign(raw, key_.get(), DigestFor(key_.get())) > 0);
  return list;
}

std::string TestCertificate::CrlPem(int64_t begin_s, int64_t end_s) const {
  const bssl::UniquePtr<X509_CRL> list = Revoke({}, begin_s, end_s);
  return Pem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, list.get()); });
}

std::string TestCertificate::CrlDer(const std::vector<TestCertificate>& certificates,
                                    int64_t begin_s, int64_t end_s) const {
  return Der(Revoke(certificates, begin_s, end_s).get(), i2d_X509_CRL);
}

}  // namespace lb
