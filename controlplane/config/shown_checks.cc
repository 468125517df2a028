#include "controlplane/config/shown_checks.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/build_tls.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/section_view.h"

namespace lb::controlplane {
namespace {

constexpr char kNoNames[] = "it has no DNS name and is not the default: no client is ever shown it";
constexpr char kNamesTaken[] =
    "certificates above it have all its names and the same type of key: no client is ever shown it";

const CertificatePair* Find(const TlsMaterial& material, const PairPlace& pair) {
  const auto at = material.pairs.find(
      {pair.cert->text, pair.key->text, pair.ocsp == nullptr ? "" : pair.ocsp->text});
  return at == material.pairs.end() ? nullptr : &at->second;
}

// Workers take the first certificate of a name and a type of key.
void CheckPairs(const std::vector<PairPlace>& pairs, const TlsMaterial& material,
                FindingList& findings) {
  std::set<std::pair<bool, std::string>> taken;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const CertificatePair* const pair = Find(material, pairs[i]);
    if (pair == nullptr) continue;
    const bool is_ecdsa = pair->facts.key_type.starts_with("ECDSA");
    bool is_shown = i == 0;
    for (const std::string& name : pair->facts.dns_names)
      is_shown |= taken.emplace(is_ecdsa, name).second;
    if (is_shown) continue;
    findings.Add({.severity = Finding::Severity::kWarning,
                  .code = codes::kNeverShown,
                  .span = pairs[i].cert->span,
                  .field = absl::StrCat(pairs[i].field, ".cert"),
                  .message = pair->facts.dns_names.empty() ? kNoNames : kNamesTaken,
                  .hint = "remove it, or the ones above it that it replaces"});
  }
}

}  // namespace

void CheckShown(const YamlNode& root, const Config& config, const TlsMaterial& material,
                FindingList& findings) {
  const YamlNode* rules = root.Find("rules");
  std::set<std::vector<const YamlNode*>> seen;  // Rules share what the top level says.
  for (size_t i = 0; i < config.rules.size(); ++i) {
    if (!config.rules[i].tls) continue;
    const SectionView tls(root, "tls", rules->children[i], RuleField(i));
    const std::vector<PairPlace> pairs = PairsOf(tls);
    std::vector<const YamlNode*> certificates;
    for (const PairPlace& pair : pairs) certificates.push_back(pair.cert);
    if (seen.insert(std::move(certificates)).second) CheckPairs(pairs, material, findings);
  }
}

}  // namespace lb::controlplane
