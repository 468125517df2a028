#include "controlplane/tls/test_ocsp.h"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>

#include "base/check.h"

namespace lb::controlplane {
namespace {

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

// RFC 6960 section 4.2.1.
std::string TestOcspDer(const TestCertificate& certificate, const TestCertificate& by, char status,
                        int64_t begin_s, int64_t end_s) {
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
  AddCertId(&single, certificate.x509(), by.x509());
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
