#include "controlplane/tls/facts.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

// Longest name of a subject that is shown, and longest DNS name (RFC 1035).
constexpr size_t kMaxNameBytes = 512;
constexpr size_t kMaxDnsNameBytes = 253;
// Names of one certificate; a public authority signs 100 at most.
constexpr size_t kMaxNames = 10'000;
constexpr int kMinRsaBits = 2'048;
constexpr int kMaxRsaBits = 8'192;

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

bool IsDnsByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
         c == '*';
}

std::optional<std::string> DnsName(std::string_view text) {
  const bool good = !text.empty() && text.size() <= kMaxDnsNameBytes &&
                    std::all_of(text.begin(), text.end(), IsDnsByte);
  if (!good) return std::nullopt;
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

std::optional<std::string> AddressText(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bytes.size() != kIpv4Bytes && bytes.size() != kIpv6Bytes) return std::nullopt;
  const int family = bytes.size() == kIpv4Bytes ? AF_INET : AF_INET6;
  if (::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return text.data();
}

void SortOnce(std::vector<std::string>& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

void AddNames(const X509* certificate, CertificateFacts& facts) {
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  if (names == nullptr) return;
  const size_t count = std::min(sk_GENERAL_NAME_num(names.get()), kMaxNames);
  for (size_t i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS)
      if (auto text = DnsName(TextOf(name->d.dNSName))) facts.dns_names.push_back(*text);
    if (name->type == GEN_IPADD)
      if (auto text = AddressText(TextOf(name->d.iPAddress))) facts.addresses.push_back(*text);
  }
  SortOnce(facts.dns_names);
  SortOnce(facts.addresses);
}

std::string SerialText(const X509* certificate) {
  const bssl::UniquePtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (number == nullptr) return "";
  char* const hex = BN_bn2hex(number.get());
  const std::string text = hex == nullptr ? "" : absl::AsciiStrToLower(hex);
  OPENSSL_free(hex);
  return text;
}

int CurveOf(const EVP_PKEY* key) {
  return EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
}

}  // namespace

std::string NameText(const X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* text = nullptr;
  size_t bytes = 0;
  if (name == nullptr || bio == nullptr ||
      X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0 ||
      BIO_mem_contents(bio.get(), &text, &bytes) != 1) {
    ERR_clear_error();
    return "";
  }
  return {reinterpret_cast<const char*>(text), std::min(bytes, kMaxNameBytes)};
}

std::string KeyTypeOf(const EVP_PKEY* key) {
  if (key == nullptr) return "unknown";
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return absl::StrCat("RSA ", EVP_PKEY_bits(key));
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_DSA:
      return "DSA";
    case EVP_PKEY_EC:
      break;
    default:
      return "unknown";
  }
  switch (CurveOf(key)) {
    case NID_X9_62_prime256v1:
      return "ECDSA P-256";
    case NID_secp384r1:
      return "ECDSA P-384";
    case NID_secp521r1:
      return "ECDSA P-521";
    case NID_secp224r1:
      return "ECDSA P-224";
    default:
      return "ECDSA";
  }
}

std::string WhyNoKeyOfWorkers(const EVP_PKEY* key) {
  constexpr char kGood[] = "; use ECDSA P-256, P-384 or P-521, or RSA of at least 2048 bits";
  const std::string type = KeyTypeOf(key);
  if (key != nullptr && EVP_PKEY_id(key) == EVP_PKEY_RSA) {
    const int bits = EVP_PKEY_bits(key);
    return bits >= kMinRsaBits && bits <= kMaxRsaBits ? ""
                                                      : absl::StrCat("its key is ", type, kGood);
  }
  if (type == "ECDSA P-256" || type == "ECDSA P-384" || type == "ECDSA P-521") return "";
  return absl::StrCat("its key is of type ", type, kGood);
}

CertificateFacts FactsOf(const X509* certificate) {
  CertificateFacts facts;
  facts.subject = NameText(X509_get_subject_name(certificate));
  facts.issuer = NameText(X509_get_issuer_name(certificate));
  facts.serial_number = SerialText(certificate);
  AddNames(certificate, facts);
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(const_cast<X509*>(certificate)));
  ERR_clear_error();
  facts.key_type = KeyTypeOf(key.get());
  facts.sha256 = ToHex(Sha256(DerOf(certificate)));
  facts.not_before_s = SecondsOf(X509_get0_notBefore(certificate));
  facts.not_after_s = SecondsOf(X509_get0_notAfter(certificate));
  return facts;
}

}  // namespace lb::controlplane
