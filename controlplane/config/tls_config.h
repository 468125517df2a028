// TLS towards clients and backends, as the configuration says it: file names, not what is in them.
// Plain values; threading: none.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lb::controlplane {

enum class TlsVersion { k12, k13 };

// A certificate chain, its private key, and what is stapled to it.
struct CertificateFiles {
  std::string cert;  // PEM
  std::string key;   // PEM
  std::string ocsp;  // DER; empty: nothing is stapled.

  friend auto operator<=>(const CertificateFiles&, const CertificateFiles&) = default;
};

// TLS of clients, ended by the workers.
struct TlsConfig {
  enum class ClientAuth { kNone, kRequest, kRequire };

  std::vector<CertificateFiles> certificates;  // At least one; the first is the default.
  bool strict_sni = false;  // Clients that ask for no name of a certificate are refused.
  TlsVersion min_version = TlsVersion::k12;
  std::vector<std::string> alpn{};  // Best first.
  ClientAuth client_auth = ClientAuth::kNone;
  std::string client_ca{};   // A file; empty with kNone.
  std::string client_crl{};  // A file; empty: none.

  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

// TLS towards backends.
struct BackendTlsConfig {
  bool ignore_verify = false;
  std::string ca{};           // A file; empty: the system's authorities.
  std::string crl{};          // A file; empty: none.
  std::string server_name{};  // Empty: each backend's own host name or address.
  bool pass_sni = false;      // The name that the client asked for goes first.
  std::string cert{};         // Files; empty: none is shown.
  std::string key{};
  TlsVersion min_version = TlsVersion::k12;
  std::vector<std::string> alpn{};  // Offered; empty: none.

  friend bool operator==(const BackendTlsConfig&, const BackendTlsConfig&) = default;
};

// Clients that ask for one of these names have backends of their own.
struct SniRouteConfig {
  std::vector<std::string> names;  // Lower case; "*.example.com" is one label.

  friend bool operator==(const SniRouteConfig&, const SniRouteConfig&) = default;
};

// Health checks over TLS.
struct CheckTlsConfig {
  std::string server_name{};        // Empty: as the rule's connections ask.
  std::optional<std::string> ca{};  // Absent: as the rule's connections verify.
  bool ignore_verify = false;

  friend bool operator==(const CheckTlsConfig&, const CheckTlsConfig&) = default;
};

// How checks speak TLS: as the connections of `connections`, which may be absent, with what `check`
// says of its own. Revocation lists go with their authorities.
BackendTlsConfig TlsOfChecks(const std::optional<BackendTlsConfig>& connections,
                             const CheckTlsConfig& check);

}  // namespace lb::controlplane
