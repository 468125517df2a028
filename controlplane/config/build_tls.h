// What the sections about TLS say, as typed values. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controlplane/config/config.h"
#include "controlplane/config/section_view.h"
#include "controlplane/config/yaml_node.h"

namespace lb::controlplane {

// A certificate and its key as the file names them. The first of a `tls` section is its default.
struct PairPlace {
  const YamlNode* cert = nullptr;  // Not nullptr.
  const YamlNode* key = nullptr;   // Likewise.
  const YamlNode* ocsp = nullptr;
  std::string field;  // Of the map that they stand in: "tls", "rules[0].tls.certificates[2]".
};

// The pairs of a `tls` section that are whole, in the order of TlsConfig::certificates. A rule's
// own cert has nothing to do with the top level's ocsp.
std::vector<PairPlace> PairsOf(const SectionView& tls);

// The settings of a section, on or off.
TlsConfig BuildTls(const SectionView& tls);
BackendTlsConfig BuildBackendTls(const SectionView& backend_tls);

// Names of the routes; their backends are built as all others.
std::vector<SniRouteConfig> BuildSniRoutes(const YamlNode* list);

// Whether probes of a rule go over TLS, and how. `health_check` is the rule's section over the top
// level's; `rule` has its check and backend_tls already.
std::optional<CheckTlsConfig> BuildCheckTls(const SectionView& health_check,
                                            const RuleConfig& rule);

}  // namespace lb::controlplane
