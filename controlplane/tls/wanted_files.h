// Which files of TLS a configuration needs, and what for. Pure; threading: none.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "controlplane/config/config.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

// The authorities of a backend_tls section that names none.
inline constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";

// Who sees a certificate.
struct PairUse {
  bool clients = false;   // The worker is the server.
  bool backends = false;  // The worker is the client.
};

struct WantedFiles {
  std::map<CertificateFiles, PairUse> pairs;
  std::set<std::string> bundles;  // "" are the system's authorities.
  std::set<std::string> revocations;
  // Revocation lists and the authorities whose certificates they are asked about.
  std::set<std::pair<std::string, std::string>> revocations_of;

  // Adds what `rule` needs for its clients, its backends and its health checks.
  void Add(const RuleConfig& rule);

 private:
  void AddBackends(const BackendTlsConfig& tls);
  void AddRevocations(const std::string& file, const std::string& bundle);
};

// The certificate that is shown to backends; its `cert` is empty where there is none.
CertificateFiles BackendPair(const BackendTlsConfig& tls);

// All that the rules of `config` need.
WantedFiles FilesOf(const Config& config);

// Whether `material` has all files that `rule` needs.
bool HasFilesOf(const TlsMaterial& material, const RuleConfig& rule);

// Where the authorities of that name are read from.
std::string BundlePath(const std::string& name);

}  // namespace lb::controlplane
