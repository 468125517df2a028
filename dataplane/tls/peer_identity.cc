#include "dataplane/tls/peer_identity.h"

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string_view>

#include "base/sha256.h"
#include "base/utf8.h"

namespace lb::dataplane::tls {
namespace {

std::string_view TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

// The first alternative name of this type; "" when there is none.
std::string_view FirstOf(const GENERAL_NAMES* names, int type) {
  for (size_t i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type == type) return TextOf(name->d.ia5);
  }
  return "";
}

std::string SubjectOf(X509* certificate) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (bio == nullptr ||
      X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0,
                         XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0 ||
      BIO_mem_contents(bio.get(), &data, &bytes) != 1)
    return "";
  return {reinterpret_cast<const char*>(data), bytes};
}

// Names go into log lines and tables: one line each, and nothing that moves a cursor.
std::string Clean(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  std::string shown = CutUtf8(clean, kMaxIdentityBytes);
  if (shown == text) return shown;
  // Two that differ only in what is not shown stay two.
  constexpr size_t kHashDigits = 16;
  const std::string hash = "~" + ToHex(Sha256(std::string(text))).substr(0, kHashDigits);
  return CutUtf8(clean, kMaxIdentityBytes - hash.size()) + hash;
}

}  // namespace

std::string PeerIdentity(const SSL* ssl) {
  const bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl));
  if (certificate == nullptr) return "";
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (names != nullptr)
    for (const int type : {GEN_URI, GEN_DNS, GEN_EMAIL})
      if (const std::string_view name = FirstOf(names.get(), type); !name.empty())
        return Clean(name);
  return Clean(SubjectOf(certificate.get()));
}

uint64_t IdentityWord(const std::string& identity) {
  const std::string digest = Sha256(identity);
  uint64_t word = 0;
  for (size_t i = 0; i < sizeof word; ++i) word = word << 8 | static_cast<uint8_t>(digest[i]);
  return word;
}

}  // namespace lb::dataplane::tls
