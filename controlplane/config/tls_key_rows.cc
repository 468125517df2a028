#include "controlplane/config/tls_key_rows.h"

namespace lb::controlplane {
namespace {

using enum ValueType;

constexpr uint64_t kMaxCertificates = 10'000;
constexpr uint64_t kMaxRoutes = 1'000;
constexpr uint64_t kMaxRouteNames = 10'000;
constexpr uint64_t kMaxProtocols = 16;
constexpr uint64_t kMaxProtocolBytes = 255;  // RFC 7301 section 3.1.

}  // namespace

// clang-format would spread every row over eight lines.
// clang-format off

std::vector<KeySpec> SniRows() {
  return {
      {.path = "rules[].sni", .type = kList, .max = kMaxRoutes, .description = "Routes by the name that a TLS client asks for in its ClientHello. Its TLS is not ended: the bytes go on untouched. Not together with tls."},
      {.path = "rules[].sni[]", .type = kMap, .description = "One route."},
      {.path = "rules[].sni[].names", .type = kList, .required = true, .max = kMaxRouteNames, .description = "Names that it takes. An exact one goes before a wildcard."},
      {.path = "rules[].sni[].names[]", .type = kSniName, .min = 1, .max = kMaxHostNameBytes, .description = "www.example.com, or *.example.com for every name of one more label."},
      {.path = "rules[].sni[].backends", .type = kList, .required = true, .same_as = "rules[].backends", .may_be_one = true, .description = "Where its connections go. Their names are unique within the rule, too."},
  };
}

std::vector<KeySpec> TlsRows() {
  return {
      {.path = "tls", .type = kSection, .description = "TLS of clients, ended here. Needs cert and key, or certificates."},
      {.path = "tls.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "tls.cert", .type = kFile, .description = "Certificate, and behind it those that signed it, PEM. It is the default: shown to clients that ask for no name, or for one that no certificate has."},
      {.path = "tls.key", .type = kFile, .description = "Its private key, PEM, without a passphrase."},
      {.path = "tls.ocsp", .type = kFile, .description = "OCSP response about it, DER, stapled to handshakes until its next update."},
      {.path = "tls.certificates", .type = kList, .max = kMaxCertificates, .description = "More certificates, chosen by the name that a client asks for: an exact one goes before a wildcard. Without cert and key the first is the default."},
      {.path = "tls.certificates[]", .type = kMap, .description = "One certificate."},
      {.path = "tls.certificates[].cert", .type = kFile, .required = true, .description = "Certificate, and behind it those that signed it, PEM."},
      {.path = "tls.certificates[].key", .type = kFile, .required = true, .description = "Its private key, PEM, without a passphrase."},
      {.path = "tls.certificates[].ocsp", .type = kFile, .description = "OCSP response about it, DER."},
      {.path = "tls.strict_sni", .type = kBool, .default_value = "false", .description = "true: a client that asks for no name, or for one which no certificate has, is refused; false: it gets the default."},
      {.path = "tls.min_version", .type = kChoice, .default_value = "1.2", .choices = {{"1.2"}, {"1.3"}}, .description = "Oldest version spoken; 1.3 is the newest."},
      {.path = "tls.alpn", .type = kList, .max = kMaxProtocols, .description = "Protocols spoken behind TLS (ALPN), best first. A client that offers none of them is refused, one that offers nothing goes on. Absent: ALPN is not answered. Backends are not told which was chosen."},
      {.path = "tls.alpn[]", .type = kText, .min = 1, .max = kMaxProtocolBytes, .description = "A protocol: h2, http/1.1."},
      {.path = "tls.client_ca", .type = kFile, .description = "Authorities that sign clients' certificates, PEM."},
      {.path = "tls.client_auth", .type = kChoice, .default_value = "require with client_ca, else none", .choices = {{"none"}, {"request"}, {"require"}}, .description = "none: clients are not asked for a certificate. request: they may show one, which must then be good. require: they must."},
      {.path = "tls.client_crl", .type = kFile, .description = "Revocation lists of client_ca, PEM: revoked certificates, and all below a revoked intermediate, are refused. There must be a list of each authority on the way, without which its certificates are refused."},
  };
}

std::vector<KeySpec> BackendTlsRows() {
  return {
      {.path = "backend_tls", .type = kSection, .description = "TLS towards backends: connections to them are encrypted, and their certificates verified."},
      {.path = "backend_tls.enabled", .type = kBool, .default_value = "true", .description = "Turns the section on or off."},
      {.path = "backend_tls.ignore_verify", .type = kBool, .default_value = "false", .description = "Takes any certificate of a backend, self-signed ones among them. Anyone on the way can then read and change what is sent."},
      {.path = "backend_tls.ca", .type = kFile, .default_value = "the system's, /etc/ssl/certs/ca-certificates.crt", .description = "Authorities that sign backends' certificates, PEM."},
      {.path = "backend_tls.crl", .type = kFile, .description = "Revocation lists of these authorities, PEM, as client_crl is for clients."},
      {.path = "backend_tls.server_name", .type = kHostName, .default_value = "the backend's host name or IP address; of an SRV name its domain", .min = 1, .max = kMaxHostNameBytes, .description = "Name asked for and verified, of all backends."},
      {.path = "backend_tls.pass_sni", .type = kBool, .default_value = "false", .description = "The name that the client asked for is asked for and verified instead, where it asked for one. Needs tls or sni routes. Health checks, and clients without a name, go by server_name."},
      {.path = "backend_tls.cert", .type = kFile, .description = "Certificate shown to backends that ask for one, PEM."},
      {.path = "backend_tls.key", .type = kFile, .description = "Its private key, PEM, without a passphrase."},
      {.path = "backend_tls.min_version", .type = kChoice, .default_value = "1.2", .choices = {{"1.2"}, {"1.3"}}, .description = "Oldest version spoken; 1.3 is the newest."},
      {.path = "backend_tls.alpn", .type = kList, .max = kMaxProtocols, .description = "Protocols offered to backends (ALPN), best first. Absent: none."},
      {.path = "backend_tls.alpn[]", .type = kText, .min = 1, .max = kMaxProtocolBytes, .description = "A protocol: h2, http/1.1."},
  };
}

// clang-format on

}  // namespace lb::controlplane
