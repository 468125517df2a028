#include "controlplane/config/tls_rule_checks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/backend_checks.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/section_view.h"
#include "controlplane/config/sni_checks.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

constexpr char kNoName[] = "no client's name is known: its TLS is not looked at";
constexpr char kNoNameHint[] = "set tls or sni, or server_name instead";
constexpr char kNoIdentity[] = "no client is asked for a certificate";
constexpr char kNoIdentityHint[] = "set tls.client_ca";

// A rule and where it stands.
struct Place {
  const YamlNode& root;
  const YamlNode& node;
  const RuleConfig& rule;
  const std::string& field;

  SectionView Section(std::string_view name) const { return {root, name, node, field}; }
};

bool KnowsName(const RuleConfig& rule) { return rule.tls || !rule.sni_routes.empty(); }

bool AsksClients(const RuleConfig& rule) {
  return rule.tls && rule.tls->client_auth != TlsConfig::ClientAuth::kNone;
}

bool IsTrue(const YamlNode* node) { return node != nullptr && node->number != 0; }

// The name of the client is passed on only where it is known.
void CheckPassSni(const Place& at, FindingList& findings) {
  const SectionView tls = at.Section("backend_tls");
  if (!tls.on() || !tls.SaysItself("pass_sni") || !tls.own() || !tls.IsTrue("pass_sni")) return;
  if (KnowsName(at.rule)) return;
  findings.Add({.code = codes::kContradiction,
                .span = tls.Value("pass_sni")->span,
                .field = tls.FieldOf("pass_sni"),
                .message = kNoName,
                .hint = kNoNameHint});
}

// Whether a connection or a check of the rule verifies backends by their own names. With pass_sni
// those of clients that ask for none do.
bool VerifiesOwnNames(const RuleConfig& rule) {
  if (rule.backend_tls)
    return !rule.backend_tls->ignore_verify && rule.backend_tls->server_name.empty();
  const HealthCheckConfig& check = rule.health_check;
  return check.enabled && check.tls && !check.tls->ignore_verify && check.tls->server_name.empty();
}

// A path of this host is no name that a certificate has.
void CheckUnixBackends(const Place& at, FindingList& findings) {
  if (!VerifiesOwnNames(at.rule)) return;
  for (const BackendList& list : BackendListsOf(at.node, at.field)) {
    for (size_t i = 0; i < list.node->children.size(); ++i) {
      if (at.rule.backends[list.first + i].address.kind() != Endpoint::Kind::kUnix) continue;
      const char* section = at.rule.backend_tls ? "backend_tls" : "health_check.tls";
      findings.Add({.code = codes::kMissingKey,
                    .span = list.node->children[i].span,
                    .field = absl::StrCat(list.field, "[", i, "]"),
                    .message = "a unix socket has no name that its certificate could have",
                    .hint = absl::StrCat("set ", section, ".server_name")});
      return;
    }
  }
}

// Checks have no client whose name they could ask for.
void CheckProbeNames(const Place& at, FindingList& findings) {
  const RuleConfig& rule = at.rule;
  const HealthCheckConfig& check = rule.health_check;
  if (!rule.backend_tls || !rule.backend_tls->pass_sni || rule.backend_tls->ignore_verify) return;
  if (check.tls && check.tls->ignore_verify) return;
  const bool named =
      !rule.backend_tls->server_name.empty() || (check.tls && !check.tls->server_name.empty());
  if (named || !check.enabled || !check.tls || !KnowsName(rule)) return;
  const bool by_address =
      std::any_of(rule.backends.begin(), rule.backends.end(), [](const BackendConfig& backend) {
        return !backend.service && backend.address.IsResolved();
      });
  if (!by_address) return;
  const SectionView tls = at.Section("backend_tls");
  const bool own = tls.SaysItself("pass_sni");
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kCheckName,
                .span = own ? tls.Value("pass_sni")->span : at.node.Place(),
                .field = own ? tls.FieldOf("pass_sni") : at.field,
                .message = "health checks have no client's name: they ask for the backends' "
                           "addresses, which their certificates must have",
                .hint = "set backend_tls.server_name or health_check.tls.server_name"});
}

// What was agreed on with the client should be what the backend speaks.
void CheckProtocols(const Place& at, FindingList& findings) {
  if (!at.rule.tls || !at.rule.backend_tls || at.rule.backend_tls->alpn.empty()) return;
  const std::vector<std::string>& offered = at.rule.backend_tls->alpn;
  const SectionView tls = at.Section("tls");
  const YamlNode* list = tls.Find("alpn");
  for (const std::string& protocol : at.rule.tls->alpn) {
    if (std::find(offered.begin(), offered.end(), protocol) != offered.end()) continue;
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kProtocolsDiffer,
                  .span = tls.SaysItself("alpn") ? list->Place() : at.node.Place(),
                  .field = tls.SaysItself("alpn") ? tls.FieldOf("alpn") : at.field,
                  .message = absl::StrCat("clients may choose ", Quote(protocol),
                                          ", which backends are not asked for"),
                  .hint = "list the same protocols in tls.alpn and backend_tls.alpn"});
    return;
  }
}

void CheckProbeProtocol(const Place& at, FindingList& findings) {
  const SectionView check = at.Section("health_check");
  const YamlNode* protocol = check.Value("protocol");
  const SectionView tls = check.Within("tls");
  const bool plain = tls.present() && !tls.on();
  if (!check.on() || protocol == nullptr || protocol->text != "tls" || !plain) return;
  findings.Add({.code = codes::kContradiction,
                .span = check.SaysItself("protocol") ? protocol->span : at.node.Place(),
                .field = check.SaysItself("protocol") ? check.FieldOf("protocol") : at.field,
                .message = "a probe with protocol: tls is never plain",
                .hint = "remove health_check.tls.enabled, or set protocol: tcp"});
}

void CheckIdentityLimit(const Place& at, FindingList& findings) {
  const SectionView limit = at.Section("rate_limit");
  const SectionView key = limit.Within("key");
  const bool says = limit.own() && limit.on() && key.SaysItself("client_cert");
  if (!says || !key.IsTrue("client_cert") || AsksClients(at.rule)) return;
  findings.Add({.code = codes::kContradiction,
                .span = key.Value("client_cert")->span,
                .field = key.FieldOf("client_cert"),
                .message = kNoIdentity,
                .hint = kNoIdentityHint});
}

// Says of a switch of the top level that it does nothing, unless it does in one of `rules`.
template <typename Uses>
void CheckSwitch(const SectionView& section, std::string_view key, const Config& config, Uses uses,
                 RawFinding finding, FindingList& findings) {
  const YamlNode* value = section.Value(key);
  if (!IsTrue(value) || std::any_of(config.rules.begin(), config.rules.end(), uses)) return;
  finding.span = value->span;
  finding.field = section.FieldOf(key);
  findings.Add(std::move(finding));
}

}  // namespace

void CheckTlsOfRule(const YamlNode& root, const YamlNode& node, const RuleConfig& rule,
                    const std::string& field, FindingList& findings) {
  const Place at{root, node, rule, field};
  CheckSniRoutes(root, node, field, findings);
  CheckPassSni(at, findings);
  CheckUnixBackends(at, findings);
  CheckProbeNames(at, findings);
  CheckProtocols(at, findings);
  CheckProbeProtocol(at, findings);
  CheckIdentityLimit(at, findings);
}

void CheckTlsOfAllRules(const YamlNode& root, const Config& config, FindingList& findings) {
  const SectionView backend_tls(root, "backend_tls");
  if (backend_tls.on())
    CheckSwitch(
        backend_tls, "pass_sni", config,
        [](const RuleConfig& rule) {
          return rule.backend_tls && rule.backend_tls->pass_sni && KnowsName(rule);
        },
        {.code = codes::kContradiction, .message = kNoName, .hint = kNoNameHint}, findings);
  const SectionView limit(root, "rate_limit");
  if (limit.on())
    CheckSwitch(
        limit.Within("key"), "client_cert", config,
        [](const RuleConfig& rule) {
          const bool asked =
              !rule.own_rate_limit || (rule.rate_limit && rule.rate_limit->client_cert);
          return asked && AsksClients(rule);
        },
        {.code = codes::kContradiction, .message = kNoIdentity, .hint = kNoIdentityHint}, findings);
}

}  // namespace lb::controlplane
