#include "controlplane/tls/wanted_files.h"

#include <algorithm>

namespace lb::controlplane {

void WantedFiles::Add(const RuleConfig& rule) {
  if (rule.tls) {
    for (const CertificateFiles& files : rule.tls->certificates) pairs[files].clients = true;
    if (!rule.tls->client_ca.empty()) bundles.insert(rule.tls->client_ca);
    if (!rule.tls->client_crl.empty()) AddRevocations(rule.tls->client_crl, rule.tls->client_ca);
  }
  if (rule.backend_tls) AddBackends(*rule.backend_tls);
  if (rule.health_check.enabled && rule.health_check.tls)
    AddBackends(TlsOfChecks(rule.backend_tls, *rule.health_check.tls));
}

void WantedFiles::AddBackends(const BackendTlsConfig& tls) {
  if (const CertificateFiles files = BackendPair(tls); !files.cert.empty())
    pairs[files].backends = true;
  if (!tls.ignore_verify) bundles.insert(tls.ca);
  if (!tls.crl.empty()) AddRevocations(tls.crl, tls.ca);
}

void WantedFiles::AddRevocations(const std::string& file, const std::string& bundle) {
  revocations.insert(file);
  revocations_of.emplace(file, bundle);
}

CertificateFiles BackendPair(const BackendTlsConfig& tls) { return {tls.cert, tls.key, ""}; }

WantedFiles FilesOf(const Config& config) {
  WantedFiles files;
  for (const RuleConfig& rule : config.rules) files.Add(rule);
  return files;
}

bool HasFilesOf(const TlsMaterial& material, const RuleConfig& rule) {
  WantedFiles files;
  files.Add(rule);
  const auto in = [](const auto& all) {
    return [&](const auto& one) { return all.contains(one); };
  };
  return std::all_of(files.pairs.begin(), files.pairs.end(),
                     [&](const auto& pair) { return material.pairs.contains(pair.first); }) &&
         std::all_of(files.bundles.begin(), files.bundles.end(), in(material.bundles)) &&
         std::all_of(files.revocations.begin(), files.revocations.end(), in(material.revocations));
}

std::string BundlePath(const std::string& name) {
  return name.empty() ? std::string(kSystemAuthorities) : name;
}

}  // namespace lb::controlplane
