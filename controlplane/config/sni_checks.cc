#include "controlplane/config/sni_checks.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/host_name.h"
#include "controlplane/config/section_view.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

// Each name belongs to one route.
void CheckNames(const YamlNode& routes, const std::string& field, FindingList& findings) {
  std::map<std::string, std::string> first;
  for (size_t i = 0; i < routes.children.size(); ++i) {
    const YamlNode* names = routes.children[i].Find("names");
    if (names == nullptr || names->kind != YamlNode::Kind::kList) continue;
    const std::string where = absl::StrCat(field, "[", i, "].names");
    if (names->children.empty())
      findings.Add({.code = codes::kOutOfRange,
                    .span = names->Place(),
                    .field = where,
                    .message = "'names' is empty",
                    .hint = "backends of all other clients are those of the rule itself"});
    for (size_t j = 0; j < names->children.size(); ++j) {
      const YamlNode& name = names->children[j];
      if (!name.valid) continue;
      std::string own = absl::StrCat(where, "[", j, "]");
      const auto [at, is_new] = first.emplace(CanonicalHostName(name.text), own);
      if (is_new) continue;
      findings.Add({.code = codes::kDuplicateName,
                    .span = name.span,
                    .field = std::move(own),
                    .message = absl::StrCat(Quote(at->first), " is also ", at->second)});
    }
  }
}

}  // namespace

void CheckSniRoutes(const YamlNode& root, const YamlNode& node, const std::string& field,
                    FindingList& findings) {
  const YamlNode* routes = node.Find("sni");
  if (routes == nullptr || routes->kind != YamlNode::Kind::kList) return;
  const std::string own = absl::StrCat(field, ".sni");
  CheckNames(*routes, own, findings);
  if (routes->children.empty()) return;
  if (const SectionView tls = SectionView(root, "tls", node, field); tls.on())
    findings.Add({.code = codes::kContradiction,
                  .span = tls.own() ? tls.Place() : routes->Place(),
                  .field = tls.own() ? tls.Field() : own,
                  .message = "a rule either ends TLS or routes by sni",
                  .hint = tls.own() ? "certificates are chosen by name too: tls.certificates"
                                    : "set tls: {enabled: false} in this rule"});
  if (const SectionView tls = SectionView(root, "backend_tls", node, field); tls.on())
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kTlsInTls,
                  .span = tls.own() ? tls.Place() : routes->Place(),
                  .field = tls.own() ? tls.Field() : own,
                  .message = "the TLS of clients goes to backends inside of another one",
                  .hint = tls.own() ? "remove it: what is routed by sni is encrypted already"
                                    : "set backend_tls: {enabled: false} in this rule"});
}

}  // namespace lb::controlplane
