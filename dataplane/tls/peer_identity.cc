#include "dataplane/tls/peer_identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/utf8.h"

namespace lb::dataplane::tls {
namespace {

constexpr size_t kHashBytes = 8;  // Of one that is cut: nobody has two certificates that meet.

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c > ' ' && c <= '~' && c != '\\')
      escaped += c;
    else
      absl::StrAppend(&escaped, "\\x", ToHex({&c, 1}));
  }
  return escaped;
}

std::string Bounded(std::string text) {
  if (text.size() <= kMaxIdentityBytes) return text;
  const std::string hash = ToHex(std::string_view(Sha256(text)).substr(0, kHashBytes));
  return absl::StrCat(CutUtf8(text, kMaxIdentityBytes - hash.size() - 1), "~", hash);
}

bool IsKind(const GENERAL_NAME& name, bool uri) {
  return uri ? name.type == GEN_URI : name.type == GEN_DNS || name.type == GEN_EMAIL;
}

// The first URI, or the first name of another kind; empty: none.
std::string FirstName(const GENERAL_NAMES* names, bool uri) {
  for (size_t i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME& name = *sk_GENERAL_NAME_value(names, i);
    if (!IsKind(name, uri)) continue;
    const ASN1_IA5STRING* const text = name.d.ia5;
    const int bytes = ASN1_STRING_length(text);
    if (bytes > 0)
      return Escaped(
          {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(bytes)});
  }
  return "";
}

std::string Subject(const X509* certificate, unsigned long flags) {  // NOLINT
  const bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, flags);
  const uint8_t* bytes = nullptr;
  size_t count = 0;
  if (BIO_mem_contents(out.get(), &bytes, &count) != 1) return "";
  return {reinterpret_cast<const char*>(bytes), count};
}

// As RFC 2253 writes it, in UTF-8; where it is not, its bytes are escaped.
std::string Subject(const X509* certificate) {
  std::string subject = Subject(certificate, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  if (CutUtf8(subject, subject.size()) == subject) return subject;
  return Subject(certificate, XN_FLAG_RFC2253);
}

}  // namespace

std::string PeerIdentity(const SSL& ssl) {
  const bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(&ssl));
  if (certificate == nullptr) return "";
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::string identity;
  if (names != nullptr) identity = FirstName(names.get(), true);
  if (names != nullptr && identity.empty()) identity = FirstName(names.get(), false);
  if (identity.empty()) identity = Subject(certificate.get());
  ERR_clear_error();  // Of names that do not parse.
  return Bounded(std::move(identity));
}

}  // namespace lb::dataplane::tls
