#include "controlplane/config/tls_checks.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/section_view.h"
#include "controlplane/config/tls_rule_checks.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// The sections `tls` and `backend_tls`, each of them checked as rules go by it. What the top level
// says for several rules is said once.
class SectionChecks final {
 public:
  explicit SectionChecks(FindingList& findings) : findings_(findings) {}

  void CheckServer(const SectionView& tls) {
    if (!tls.on()) return;
    const YamlNode* list = tls.Find("certificates");
    const bool has_pair = CheckPair(tls);
    if (!has_pair && !tls.Says("certificates"))
      Missing(tls, "cert", "tls needs cert and key, or certificates");
    else if (!has_pair && list != nullptr && list->children.empty())
      Missing(tls, "certificates", "there is no certificate in it, and no cert and key");
    if (tls.SaysItself("ocsp") && !tls.Says("cert"))
      Missing(tls, "cert", "ocsp is a response about cert");
    CheckClientAuth(tls);
    CheckProtocols(tls);
  }

  void CheckBackend(const SectionView& tls) {
    if (!tls.on()) return;
    CheckPair(tls);
    CheckProtocols(tls);
    if (!tls.IsTrue("ignore_verify")) return;
    Warn(tls, "ignore_verify", codes::kIgnoreVerify,
         "backends are not verified: anyone on the way can read and change what is sent",
         "set ca to their authority instead");
    for (const char* key : {"ca", "crl"})
      if (tls.SaysItself(key))
        Warn(tls, key, codes::kIdleTrust, "with ignore_verify it verifies nothing",
             "remove ignore_verify");
  }

 private:
  // Whether cert and key are there, both or one of them, which has a finding.
  bool CheckPair(const SectionView& tls) {
    if (tls.Says("cert") && !tls.Says("key")) Missing(tls, "key", "cert needs its key");
    if (tls.Says("key") && !tls.Says("cert")) Missing(tls, "cert", "key needs its cert");
    return tls.Says("cert") || tls.Says("key");
  }

  void CheckClientAuth(const SectionView& tls) {
    const std::string auth = tls.Text("client_auth");
    if ((auth == "request" || auth == "require") && !tls.Says("client_ca"))
      Missing(tls, "client_ca", "without client_ca no certificate of a client can be verified");
    if (tls.SaysItself("client_crl") && !tls.Says("client_ca"))
      Missing(tls, "client_ca", "client_crl is about the certificates of client_ca");
  }

  void CheckProtocols(const SectionView& tls) {
    const YamlNode* list = tls.Find("alpn");
    if (list == nullptr || !said_.insert(list).second) return;
    std::set<std::string_view> seen;
    for (size_t i = 0; i < list->children.size(); ++i) {
      const YamlNode& protocol = list->children[i];
      if (!protocol.valid || seen.insert(protocol.text).second) continue;
      findings_.Add({.severity = Severity::kWarning,
                     .code = codes::kProtocolTwice,
                     .span = protocol.span,
                     .field = absl::StrCat(tls.FieldOf("alpn"), "[", i, "]"),
                     .message = absl::StrCat(Quote(protocol.text), " is there twice")});
    }
  }

  void Missing(const SectionView& section, std::string_view key, std::string message) {
    findings_.Add({.code = codes::kMissingKey,
                   .span = section.Place(),
                   .field = absl::StrCat(section.Field(), ".", Absl(key)),
                   .message = std::move(message)});
  }

  void Warn(const SectionView& section, std::string_view key, std::string_view code,
            std::string message, std::string hint) {
    const YamlNode* node = section.Find(key);
    if (node == nullptr || !said_.insert(node).second) return;
    findings_.Add({.severity = Severity::kWarning,
                   .code = code,
                   .span = node->span,
                   .field = section.FieldOf(key),
                   .message = std::move(message),
                   .hint = std::move(hint)});
  }

  FindingList& findings_;
  std::set<const YamlNode*> said_;
};

// Whether a rule goes by the top level's section as it is.
bool IsInherited(const YamlNode& rules, std::string_view section) {
  return std::any_of(rules.children.begin(), rules.children.end(),
                     [&](const YamlNode& rule) { return rule.Find(section) == nullptr; });
}

void CheckRule(const YamlNode& root, const YamlNode& node, const RuleConfig& rule, size_t index,
               SectionChecks& sections, FindingList& findings) {
  const std::string field = RuleField(index);
  const SectionView tls(root, "tls", node, field);
  const SectionView backend_tls(root, "backend_tls", node, field);
  if (tls.own()) sections.CheckServer(tls);
  if (backend_tls.own()) sections.CheckBackend(backend_tls);
  CheckTlsOfRule(root, node, rule, field, findings);
}

}  // namespace

void CheckTls(const YamlNode& root, const Config& config, FindingList& findings) {
  SectionChecks sections(findings);
  const YamlNode* rules = root.Find("rules");
  const bool has_rules =
      rules != nullptr && rules->kind == YamlNode::Kind::kList && !rules->children.empty();
  if (!has_rules || IsInherited(*rules, "tls")) sections.CheckServer(SectionView(root, "tls"));
  if (!has_rules || IsInherited(*rules, "backend_tls"))
    sections.CheckBackend(SectionView(root, "backend_tls"));
  if (!has_rules) return;
  for (size_t i = 0; i < config.rules.size(); ++i)
    CheckRule(root, rules->children[i], config.rules[i], i, sections, findings);
  CheckTlsOfAllRules(root, config, findings);
}

}  // namespace lb::controlplane
