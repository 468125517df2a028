#include "controlplane/admin/rule_tls.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

std::string Counted(size_t count, const char* one) {
  return absl::StrCat(count, " ", one, count == 1 ? "" : "s");
}

std::string ServerText(const LiveRule& rule) {
  if (!rule.sni_routes.empty())
    return absl::StrCat("passed on by name, ", Counted(rule.sni_routes.size(), "route"));
  if (!rule.tls) return "";
  const TlsConfig& tls = *rule.tls;
  std::string text = absl::StrCat(tls.min_version == TlsVersion::k13 ? "1.3" : "1.2+", ", ",
                                  Counted(tls.certificates.size(), "certificate"));
  if (tls.strict_sni) absl::StrAppend(&text, ", strict names");
  if (tls.client_auth == TlsConfig::ClientAuth::kRequire)
    absl::StrAppend(&text, ", client certificates required");
  if (tls.client_auth == TlsConfig::ClientAuth::kRequest)
    absl::StrAppend(&text, ", client certificates requested");
  return text;
}

}  // namespace

const char* VersionsFrom(TlsVersion oldest) {
  return oldest == TlsVersion::k13 ? "TLS 1.3" : "TLS 1.2 and newer";
}

void DescribeTls(const LiveRule& rule, const RuleTotals& totals, admin::v1::Rule& out) {
  out.set_tls(ServerText(rule));
  if (rule.backend_tls)
    out.set_backend_tls(rule.backend_tls->ignore_verify ? "not verified" : "verified");
  out.set_handshakes_total(totals.handshakes_total);
  out.set_resumed_handshakes_total(totals.resumed_handshakes_total);
  out.mutable_handshake_failures_total()->insert(totals.handshake_failures_total.begin(),
                                                 totals.handshake_failures_total.end());
}

}  // namespace lb::controlplane
