#include "controlplane/tls/ocsp.h"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/obj.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

// Tags of RFC 6960 section 4.2.1.
constexpr unsigned kContext0 = CBS_ASN1_CONTEXT_SPECIFIC | 0;
constexpr unsigned kExplicit0 = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 0;
constexpr unsigned kRevoked = CBS_ASN1_CONTEXT_SPECIFIC | CBS_ASN1_CONSTRUCTED | 1;

// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1
constexpr std::array<uint8_t, 9> kBasicOid{0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};

// Responses about single certificates in one file; there is one, as a rule.
constexpr int kMaxSingleResponses = 64;

absl::Status Bad(const char* what) { return absl::InvalidArgumentError(what); }

// "20260102030405Z": the only form that DER allows here.
std::optional<int64_t> ParseTime(const CBS& cbs) {
  constexpr size_t kBytes = 15;
  const absl::string_view text(reinterpret_cast<const char*>(CBS_data(&cbs)), CBS_len(&cbs));
  if (text.size() != kBytes || text.back() != 'Z') return std::nullopt;
  std::array<int, 6> parts{};
  size_t at = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t width = i == 0 ? 4 : 2;
    if (!absl::SimpleAtoi(text.substr(at, width), &parts[i]) || parts[i] < 0) return std::nullopt;
    at += width;
  }
  using std::chrono::day, std::chrono::month, std::chrono::year;
  const std::chrono::year_month_day date{year(parts[0]), month(static_cast<unsigned>(parts[1])),
                                         day(static_cast<unsigned>(parts[2]))};
  if (!date.ok()) return std::nullopt;
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(parts[3]) +
                    std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]);
  return std::chrono::seconds(time.time_since_epoch()).count();
}

bool IsDigest(const CBS& digest, const EVP_MD* md, const uint8_t* data, size_t bytes) {
  std::array<uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (EVP_Digest(data, bytes, out.data(), &size, md, nullptr) != 1) return false;
  return CBS_mem_equal(&digest, out.data(), size) == 1;
}

bool IsDigestOfName(const CBS& digest, const EVP_MD* md, const X509_NAME* name) {
  uint8_t* der = nullptr;
  const int bytes = i2d_X509_NAME(const_cast<X509_NAME*>(name), &der);
  const bool same = bytes > 0 && IsDigest(digest, md, der, static_cast<size_t>(bytes));
  OPENSSL_free(der);
  return same;
}

bool IsSerial(const CBS& serial, const X509* certificate) {
  ASN1_INTEGER* const own = X509_get_serialNumber(const_cast<X509*>(certificate));
  uint8_t* der = nullptr;
  const int bytes = i2d_ASN1_INTEGER(own, &der);
  CBS all;
  CBS value;
  bool same = false;
  if (bytes > 0) {
    CBS_init(&all, der, static_cast<size_t>(bytes));
    same = CBS_get_asn1(&all, &value, CBS_ASN1_INTEGER) == 1 &&
           CBS_mem_equal(&serial, CBS_data(&value), CBS_len(&value)) == 1;
  }
  OPENSSL_free(der);
  return same;
}

// Whether a CertID names the certificate; nullopt when it is malformed.
std::optional<bool> Names(CBS id, const X509* certificate, const X509* issuer) {
  CBS algorithm;
  CBS oid;
  CBS name;
  CBS key;
  CBS serial;
  if (!CBS_get_asn1(&id, &algorithm, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&algorithm, &oid, CBS_ASN1_OBJECT) ||
      !CBS_get_asn1(&id, &name, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1(&id, &key, CBS_ASN1_OCTETSTRING) ||
      !CBS_get_asn1(&id, &serial, CBS_ASN1_INTEGER))
    return std::nullopt;
  const EVP_MD* const md = EVP_get_digestbynid(OBJ_cbs2nid(&oid));
  if (md == nullptr || !IsSerial(serial, certificate)) return false;
  if (!IsDigestOfName(name, md, X509_get_issuer_name(certificate))) return false;
  if (issuer == nullptr) return true;
  const ASN1_BIT_STRING* const bits = X509_get0_pubkey_bitstr(issuer);
  return IsDigest(key, md, ASN1_STRING_get0_data(bits),
                  static_cast<size_t>(ASN1_STRING_length(bits)));
}

// The list of SingleResponse values of an OCSPResponse.
absl::StatusOr<CBS> ResponsesIn(CBS der) {
  CBS response;
  CBS status;
  if (!CBS_get_asn1(&der, &response, CBS_ASN1_SEQUENCE) || CBS_len(&der) != 0 ||
      !CBS_get_asn1(&response, &status, CBS_ASN1_ENUMERATED) || CBS_len(&status) != 1)
    return Bad("it is no OCSP response in DER form");
  if (CBS_data(&status)[0] != 0) return Bad("it says that the responder could not answer");
  CBS explicit_bytes;
  CBS bytes;
  CBS type;
  CBS octets;
  CBS basic;
  CBS data;
  CBS responder;
  unsigned tag = 0;
  CBS responses;
  if (!CBS_get_asn1(&response, &explicit_bytes, kExplicit0) ||
      !CBS_get_asn1(&explicit_bytes, &bytes, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&bytes, &type, CBS_ASN1_OBJECT) ||
      !CBS_get_asn1(&bytes, &octets, CBS_ASN1_OCTETSTRING) ||
      !CBS_mem_equal(&type, kBasicOid.data(), kBasicOid.size()) ||
      !CBS_get_asn1(&octets, &basic, CBS_ASN1_SEQUENCE) ||
      !CBS_get_asn1(&basic, &data, CBS_ASN1_SEQUENCE) ||
      !CBS_get_optional_asn1(&data, nullptr, nullptr, kExplicit0) ||
      !CBS_get_any_asn1(&data, &responder, &tag) ||
      !CBS_get_asn1(&data, nullptr, CBS_ASN1_GENERALIZEDTIME) ||
      !CBS_get_asn1(&data, &responses, CBS_ASN1_SEQUENCE))
    return Bad("it is a damaged OCSP response, or not a basic one");
  return responses;
}

// Status and times of a SingleResponse, behind its CertID.
absl::StatusOr<OcspResponse> Judge(CBS single, int64_t now_s) {
  if (CBS_peek_asn1_tag(&single, kRevoked)) return Bad("it says that the certificate is revoked");
  CBS good;
  if (!CBS_get_asn1(&single, &good, kContext0))
    return Bad("it says that the certificate is not known to the responder");
  CBS begin;
  CBS end_wrapped;
  CBS end;
  int has_end = 0;
  if (!CBS_get_asn1(&single, &begin, CBS_ASN1_GENERALIZEDTIME) ||
      !CBS_get_optional_asn1(&single, &end_wrapped, &has_end, kExplicit0))
    return Bad("its times are damaged");
  if (has_end == 0) return Bad("it does not say until when it holds");
  if (!CBS_get_asn1(&end_wrapped, &end, CBS_ASN1_GENERALIZEDTIME))
    return Bad("its times are damaged");
  const std::optional<int64_t> begin_s = ParseTime(begin);
  const std::optional<int64_t> end_s = ParseTime(end);
  if (!begin_s || !end_s) return Bad("its times are damaged");
  if (now_s < *begin_s)
    return absl::InvalidArgumentError(absl::StrCat("it does not hold before ", TimeText(*begin_s)));
  if (now_s >= *end_s)
    return absl::InvalidArgumentError(absl::StrCat("it held only until ", TimeText(*end_s)));
  return OcspResponse{*begin_s, *end_s};
}

absl::StatusOr<OcspResponse> Find(CBS responses, const X509* certificate, const X509* issuer,
                                  int64_t now_s) {
  for (int i = 0; i < kMaxSingleResponses && CBS_len(&responses) > 0; ++i) {
    CBS single;
    CBS id;
    if (!CBS_get_asn1(&responses, &single, CBS_ASN1_SEQUENCE) ||
        !CBS_get_asn1(&single, &id, CBS_ASN1_SEQUENCE))
      return Bad("it is a damaged OCSP response");
    const std::optional<bool> names = Names(id, certificate, issuer);
    if (!names) return Bad("it is a damaged OCSP response");
    if (*names) return Judge(single, now_s);
  }
  return Bad("it is about another certificate");
}

}  // namespace

absl::StatusOr<OcspResponse> ReadOcsp(std::string_view der, const X509* certificate,
                                      const X509* issuer, int64_t now_s) {
  CBS cbs;
  CBS_init(&cbs, reinterpret_cast<const uint8_t*>(der.data()), der.size());
  absl::StatusOr<CBS> responses = ResponsesIn(cbs);
  absl::StatusOr<OcspResponse> result =
      responses.ok() ? Find(*responses, certificate, issuer, now_s) : responses.status();
  ERR_clear_error();
  return result;
}

}  // namespace lb::controlplane
