#include "controlplane/shell/tls_problem.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace lb::controlplane {
namespace {

constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr size_t kMaxNames = 3;        // Of a certificate that has others than the one wanted.
constexpr size_t kMaxNameBytes = 255;  // Of each; DNS allows no more.
// A received alert is an error whose reason is this and the alert's number (ssl.h).
constexpr int kAlertReason = SSL_AD_REASON_OFFSET;

std::string Printable(const void* data, int size) {
  const size_t bytes = std::min(static_cast<size_t>(std::max(size, 0)), kMaxNameBytes);
  return absl::CHexEscape(absl::string_view(static_cast<const char*>(data), bytes));
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  const bool good = family == AF_INET || ASN1_STRING_length(address) == 16;
  return good && ::inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text)) != nullptr
             ? text
             : "a bad address";
}

// The names that count: those of the subject alternative name (RFC 6125), some of them.
std::string NamesOf(const X509* certificate) {
  const bssl::UniquePtr<GENERAL_NAMES> all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  size_t more = 0;
  for (size_t i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (names.size() == kMaxNames) {
      ++more;
      continue;
    }
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    names.push_back(name->type == GEN_IPADD
                        ? AddressText(value)
                        : Printable(ASN1_STRING_get0_data(value), ASN1_STRING_length(value)));
  }
  if (names.empty()) return "no name (a common name alone does not count)";
  const std::string some = absl::StrJoin(names, ", ");
  return more == 0 ? some : absl::StrCat(some, " and ", more, " more");
}

// The day of a certificate's time, in UTC; "?" for one that cannot be read.
std::string DayOf(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return "?";
  return absl::FormatTime("%Y-%m-%d", absl::UnixEpoch() + absl::Hours(24) * days,
                          absl::UTCTimeZone());
}

// "certificate", or whose it is where it is not the backend's own.
std::string Which(X509_STORE_CTX* store) {
  X509* const current = X509_STORE_CTX_get_current_cert(store);
  if (X509_STORE_CTX_get_error_depth(store) == 0 || current == nullptr) return "certificate";
  char name[kMaxNameBytes + 1] = "";
  X509_NAME_oneline(X509_get_subject_name(current), name, sizeof(name));
  return absl::StrCat("certificate of its authority ",
                      Printable(name, static_cast<int>(std::char_traits<char>::length(name))));
}

// What the backend did not like about us.
std::string AlertProblem(int alert, bool wants_certificate) {
  switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
      return "handshake failed (protocol version)";
    case SSL_AD_CERTIFICATE_REQUIRED:
      return "the backend wants a client certificate";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
      if (wants_certificate) return "the backend wants a client certificate";
      return absl::StrCat("the backend refused our certificate (",
                          SSL_alert_desc_string_long(alert), ")");
    default:
      return absl::StrCat("handshake failed (the backend said: ", SSL_alert_desc_string_long(alert),
                          wants_certificate ? "; it asked for a client certificate)" : ")");
  }
}

}  // namespace

VerifiedBy::VerifiedBy(const ProbeTls& tls)
    : server_name(tls.server_name),
      ca(tls.settings->ca.empty() ? kSystemAuthorities : tls.settings->ca),
      crl(tls.settings->crl) {}

std::string CertificateProblem(X509_STORE_CTX* store, const VerifiedBy& by) {
  const int error = X509_STORE_CTX_get_error(store);
  const X509* const current = X509_STORE_CTX_get_current_cert(store);
  const bool of_peer = X509_STORE_CTX_get_error_depth(store) == 0;
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return absl::StrCat("certificate is for ", NamesOf(X509_STORE_CTX_get0_cert(store)), ", not ",
                          by.server_name);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return absl::StrCat(Which(store), " expired ", DayOf(X509_get0_notAfter(current)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return absl::StrCat(Which(store), " is not valid before ",
                          DayOf(X509_get0_notBefore(current)));
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return absl::StrCat("not signed by an authority of ", by.ca);
    case X509_V_ERR_CERT_REVOKED:
      return of_peer ? "revoked" : absl::StrCat(Which(store), " was revoked");
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return of_peer ? absl::StrCat("no revocation list of its authority in ", by.crl)
                     : absl::StrCat("no revocation list about the ", Which(store), " in ", by.crl);
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return absl::StrCat("the revocation list of ", by.crl, " has expired");
    case X509_V_ERR_INVALID_PURPOSE:
      return "certificate is not one for servers";
    default:
      return absl::StrCat(Which(store), ": ", X509_verify_cert_error_string(error));
  }
}

std::string HandshakeProblem(uint32_t error, bool wants_certificate) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return "handshake failed";
  const int reason = ERR_GET_REASON(error);
  if (reason >= kAlertReason) return AlertProblem(reason - kAlertReason, wants_certificate);
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
      return "handshake failed (protocol version)";
    case SSL_R_WRONG_VERSION_NUMBER:
      return "the backend does not speak TLS";
    default: {
      const char* text = ERR_reason_error_string(error);
      return absl::StrCat("handshake failed (", text == nullptr ? "?" : text, ")");
    }
  }
}

}  // namespace lb::controlplane
