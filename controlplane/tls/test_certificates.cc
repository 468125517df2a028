#include "controlplane/tls/test_certificates.h"

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/curve25519.h>
#include <openssl/digest.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <utility>

#include "base/check.h"

namespace lb::controlplane {
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

const EVP_MD* DigestFor(const EVP_PKEY* key) {
  return EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

void AddTime(CBB* to, int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  std::array<char, 16> text{};
  ::gmtime_r(&time, &parts);
  const size_t bytes = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%SZ", &parts);
  CBB value;
  LB_CHECK(CBB_add_asn1(to, &value, CBS_ASN1_GENERALIZEDTIME) == 1);
  LB_CHECK(CBB_add_bytes(&value, reinterpret_cast<const uint8_t*>(text.data()), bytes) == 1);
  LB_CHECK(CBB_flush(to) == 1);
}

void AddSha1(CBB* to, const uint8_t* data, size_t bytes) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CBB value;
  LB_CHECK(EVP_Digest(data, bytes, digest.data(), &size, EVP_sha1(), nullptr) == 1);
  LB_CHECK(CBB_add_asn1(to, &value, CBS_ASN1_OCTETSTRING) == 1);
  LB_CHECK(CBB_add_bytes(&value, digest.data(), size) == 1 && CBB_flush(to) == 1);
}

void AddOid(CBB* to, int nid) { LB_CHECK(OBJ_nid2cbb(to, nid) == 1); }

// RFC 6960 section 4.1.1.
void AddCertId(CBB* to, X509* certificate, const X509* issuer) {
  CBB id;
  CBB algorithm;
  LB_CHECK(CBB_add_asn1(to, &id, CBS_ASN1_SEQUENCE) == 1);
  LB_CHECK(CBB_add_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) == 1);
  AddOid(&algorithm, NID_sha1);
  LB_CHECK(CBB_flush(&id) == 1);
  uint8_t* name = nullptr;
  const int name_bytes = i2d_X509_NAME(X509_get_issuer_name(certificate), &name);
  AddSha1(&id, name, static_cast<size_t>(name_bytes));
  OPENSSL_free(name);
  const ASN1_BIT_STRING* const key = X509_get0_pubkey_bitstr(issuer);
  AddSha1(&id, ASN1_STRING_get0_data(key), static_cast<size_t>(ASN1_STRING_length(key)));
  uint8_t* serial = nullptr;
  const int serial_bytes = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);
  LB_CHECK(CBB_add_bytes(&id, serial, static_cast<size_t>(serial_bytes)) == 1);
  OPENSSL_free(serial);
  LB_CHECK(CBB_flush(to) == 1);
}

void AddStatus(CBB* to, char status, int64_t at_s) {
  constexpr unsigned kContext = CBS_ASN1_CONTEXT_SPECIFIC;
  CBB value;
  const unsigned tag = status == 'g'   ? kContext | 0
                       : status == 'r' ? kContext | CBS_ASN1_CONSTRUCTED | 1
                                       : kContext | 2;
  LB_CHECK(CBB_add_asn1(to, &value, tag) == 1);
  if (status == 'r') AddTime(&value, at_s);
  LB_CHECK(CBB_flush(to) == 1);
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

std::string TestCertificate::CertDer() const {
  uint8_t* der = nullptr;
  const int bytes = i2d_X509(certificate_.get(), &der);
  LB_CHECK(bytes > 0);
  std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(bytes));
  OPENSSL_free(der);
  return text;
}

std::string TestCertificate::CrlPem(int64_t begin_s, int64_t end_s) const {
  const bssl::UniquePtr<X509_CRL> crl(X509_CRL_new());
  const bssl::UniquePtr<ASN1_TIME> begin(ASN1_TIME_set(nullptr, begin_s));
  const bssl::UniquePtr<ASN1_TIME> end(ASN1_TIME_set(nullptr, end_s));
  LB_CHECK(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1);
  LB_CHECK(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get())) == 1);
  LB_CHECK(X509_CRL_set1_lastUpdate(crl.get(), begin.get()) == 1);
  LB_CHECK(X509_CRL_set1_nextUpdate(crl.get(), end.get()) == 1);
  LB_CHECK(X509_CRL_sign(crl.get(), key_.get(), DigestFor(key_.get())) > 0);
  return Pem([&](BIO* bio) { return PEM_write_bio_X509_CRL(bio, crl.get()); });
}

// RFC 6960 section 4.2.1.
std::string TestCertificate::OcspDer(const TestCertificate& by, char status, int64_t begin_s,
                                     int64_t end_s) const {
  constexpr unsigned kExplicit = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED;
  bssl::ScopedCBB cbb;
  CBB response, answered, wrapped, bytes, octets, basic, data, responder, name, list, single, end;
  CBB algorithm, signature;
  LB_CHECK(CBB_init(cbb.get(), 0) == 1);
  LB_CHECK(CBB_add_asn1(cbb.get(), &response, CBS_ASN1_SEQUENCE) == 1);
  LB_CHECK(CBB_add_asn1(&response, &answered, CBS_ASN1_ENUMERATED) == 1);
  LB_CHECK(CBB_add_u8(&answered, 0) == 1);
  LB_CHECK(CBB_add_asn1(&response, &wrapped, kExplicit | 0) == 1);
  LB_CHECK(CBB_add_asn1(&wrapped, &bytes, CBS_ASN1_SEQUENCE) == 1);
  CBB oid;
  constexpr std::array<uint8_t, 9> kBasic{0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1};
  LB_CHECK(CBB_add_asn1(&bytes, &oid, CBS_ASN1_OBJECT) == 1);
  LB_CHECK(CBB_add_bytes(&oid, kBasic.data(), kBasic.size()) == 1);
  LB_CHECK(CBB_add_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING) == 1);
  LB_CHECK(CBB_add_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) == 1);
  LB_CHECK(CBB_add_asn1(&basic, &data, CBS_ASN1_SEQUENCE) == 1);
  LB_CHECK(CBB_add_asn1(&data, &responder, kExplicit | 2) == 1);
  LB_CHECK(CBB_add_asn1(&responder, &name, CBS_ASN1_OCTETSTRING) == 1);
  AddTime(&data, begin_s);
  LB_CHECK(CBB_add_asn1(&data, &list, CBS_ASN1_SEQUENCE) == 1);
  LB_CHECK(CBB_add_asn1(&list, &single, CBS_ASN1_SEQUENCE) == 1);
  AddCertId(&single, certificate_.get(), by.x509());
  AddStatus(&single, status, begin_s);
  AddTime(&single, begin_s);
  LB_CHECK(CBB_add_asn1(&single, &end, kExplicit | 0) == 1);
  AddTime(&end, end_s);
  LB_CHECK(CBB_flush(&basic) == 1);
  LB_CHECK(CBB_add_asn1(&basic, &algorithm, CBS_ASN1_SEQUENCE) == 1);
  AddOid(&algorithm, NID_sha256WithRSAEncryption);
  LB_CHECK(CBB_add_asn1(&basic, &signature, CBS_ASN1_BITSTRING) == 1);
  LB_CHECK(CBB_add_u8(&signature, 0) == 1);
  uint8_t* der = nullptr;
  size_t size = 0;
  LB_CHECK(CBB_finish(cbb.get(), &der, &size) == 1);
  std::string text(reinterpret_cast<const char*>(der), size);
  OPENSSL_free(der);
  return text;
}

}  // namespace lb::controlplane
