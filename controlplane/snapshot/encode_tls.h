// TLS of rules, and the material that it names, into the messages that workers read.
// Pure; threading: none.
#pragma once

#include <map>
#include <set>
#include <string>

#include "controlplane/snapshot/live_rules.h"
#include "controlplane/tls/material.h"

namespace lb::type::v1 {
class Rule;
class Snapshot;
}  // namespace lb::type::v1

namespace lb::controlplane {

// Collects what rules need, so that each content is in the snapshot once.
class TlsEncoder final {
 public:
  // Without material (nullptr) the names of files stand for what is in them: good for comparing
  // rules, not for workers. Else it must have all that the rules name.
  explicit TlsEncoder(const TlsMaterial* material) : material_(material) {}

  // Sets in `out` what `rule` says of TLS towards clients and backends, and its routes.
  void AddRule(const LiveRule& rule, type::v1::Rule& out);

  // Adds what the rules have named, by id.
  void AddMaterial(type::v1::Snapshot& out) const;

 private:
  void AddServer(const LiveRule& rule, type::v1::Rule& out);
  void AddBackend(const LiveRule& rule, type::v1::Rule& out);
  std::string PairId(const CertificateFiles& files);
  std::string BundleId(const std::string& name);
  std::string RevocationId(const std::string& file);

  const TlsMaterial* const material_;
  std::map<std::string, const CertificatePair*> pairs_;
  std::map<std::string, const TrustBundle*> bundles_;
  std::map<std::string, const RevocationList*> revocations_;
};

// Adds the features that a worker must know to do what `rule` says of TLS.
void AddTlsFeatures(const LiveRule& rule, std::set<std::string>& features);

}  // namespace lb::controlplane
