#include "controlplane/plan/tls_fields.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

constexpr char kHandshakes[] = "for new handshakes; open connections keep what they started with";
constexpr char kBackendHandshakes[] =
    "for new connections to backends, and their health checks; open ones keep what they started "
    "with";
constexpr char kRoutes[] = "for new connections; open ones keep the backend that they have";
constexpr size_t kMaxTextBytes = 400;
constexpr size_t kShownDigestBytes = 6;

// A text that is short as it is; of a long one, how many items it has and a digest.
std::string Short(std::string text, size_t count, const char* items) {
  if (text.size() <= kMaxTextBytes) return text;
  const std::string digest = Sha256(text).substr(0, kShownDigestBytes);
  return absl::StrCat(count, " ", items, ", ", absl::BytesToHexString(digest));
}

std::string OnFrom(TlsVersion oldest) {
  return oldest == TlsVersion::k13 ? "TLS 1.3" : "TLS 1.2 and newer";
}

const char* TrueOrNone(bool value) { return value ? "true" : ""; }

std::string Text(const std::vector<CertificateFiles>& certificates) {
  std::string text =
      absl::StrJoin(certificates, ", ", [](std::string* out, const CertificateFiles& files) {
        absl::StrAppend(out, files.cert, " with ", files.key, files.ocsp.empty() ? "" : " and ",
                        files.ocsp);
      });
  return Short(std::move(text), certificates.size(), "certificates");
}

std::string Text(const std::vector<SniRouteConfig>& routes) {
  std::string text = absl::StrJoin(routes, "; ", [](std::string* out, const SniRouteConfig& route) {
    absl::StrAppend(out, absl::StrJoin(route.names, ", "));
  });
  return Short(std::move(text), routes.size(), "routes");
}

std::string Text(TlsConfig::ClientAuth auth) {
  switch (auth) {
    case TlsConfig::ClientAuth::kNone:
      return "";
    case TlsConfig::ClientAuth::kRequest:
      return "request";
    case TlsConfig::ClientAuth::kRequire:
      return "require";
  }
  LB_CHECK(false);
}

std::vector<Field> FieldsOfServer(const TlsConfig& tls, bool on) {
  return {
      {"tls", on ? OnFrom(tls.min_version) : "", kHandshakes},
      {"tls.certificates", Text(tls.certificates), kHandshakes},
      {"tls.strict_sni", TrueOrNone(tls.strict_sni), kHandshakes},
      {"tls.alpn", absl::StrJoin(tls.alpn, ", "), kHandshakes},
      {"tls.client_auth", Text(tls.client_auth),
       "for new handshakes; no session from before is resumed"},
      {"tls.client_ca", tls.client_ca, "for new handshakes; no session from before is resumed"},
      {"tls.client_crl", tls.client_crl, kHandshakes},
  };
}

std::vector<Field> FieldsOfBackend(const BackendTlsConfig& tls, bool on) {
  return {
      {"backend_tls", on ? OnFrom(tls.min_version) : "", kBackendHandshakes},
      {"backend_tls.ignore_verify", TrueOrNone(tls.ignore_verify), kBackendHandshakes},
      {"backend_tls.ca", tls.ca, kBackendHandshakes},
      {"backend_tls.crl", tls.crl, kBackendHandshakes},
      {"backend_tls.server_name", tls.server_name, kBackendHandshakes},
      {"backend_tls.pass_sni", TrueOrNone(tls.pass_sni), kBackendHandshakes},
      {"backend_tls.cert", tls.cert, kBackendHandshakes},
      {"backend_tls.key", tls.key, kBackendHandshakes},
      {"backend_tls.alpn", absl::StrJoin(tls.alpn, ", "), kBackendHandshakes},
  };
}

}  // namespace

std::vector<Field> FieldsOfTls(const RuleConfig& rule) {
  std::vector<Field> fields = FieldsOfServer(rule.tls.value_or(TlsConfig()), rule.tls.has_value());
  for (Field& field :
       FieldsOfBackend(rule.backend_tls.value_or(BackendTlsConfig()), rule.backend_tls.has_value()))
    fields.push_back(std::move(field));
  fields.push_back({"sni", Text(rule.sni_routes), kRoutes});
  return fields;
}

std::vector<Field> FieldsOfCheckTls(const HealthCheckConfig& check, const char* effect) {
  return {
      {"health_check.tls", check.tls ? "true" : "false", effect},
      {"health_check.tls.server_name", check.tls ? check.tls->server_name : "", effect},
      {"health_check.tls.ca", check.tls ? check.tls->ca.value_or("") : "", effect},
      {"health_check.tls.ignore_verify", check.tls && check.tls->ignore_verify ? "true" : "false",
       effect},
      {"health_check.grpc.service", check.grpc_service, effect},
  };
}

}  // namespace lb::controlplane
