#include "controlplane/config/cross_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/capacity_checks.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/client_checks.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/limit_checks.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

bool IsValid(const YamlNode* node) { return node != nullptr && node->valid; }

std::string RuleField(size_t rule) { return absl::StrCat("rules[", rule, "]"); }

void CheckRuleNames(const YamlNode& rules, const Config& config, FindingList& findings) {
  std::map<std::string_view, size_t> first;
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const YamlNode* name = rules.children[i].Find("name");
    if (!IsValid(name)) continue;
    const auto [at, is_new] = first.emplace(config.rules[i].name, i);
    if (is_new) continue;
    findings.Add({.code = codes::kDuplicateName,
                  .span = name->span,
                  .field = absl::StrCat(RuleField(i), ".name"),
                  .message = absl::StrCat(Quote(config.rules[i].name), " is also the name of ",
                                          RuleField(at->second))});
  }
}

void CheckListeners(const YamlNode& rules, const Config& config, FindingList& findings) {
  struct Wildcards {
    std::string_view v4;
    std::string_view v6;
  };
  std::map<Endpoint, size_t> first;
  std::map<uint16_t, Wildcards> wildcards;
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const Endpoint& listen = config.rules[i].listen;
    const YamlNode* node = rules.children[i].Find("listen");
    if (!IsValid(node)) continue;
    const auto [at, is_new] = first.emplace(listen, i);
    if (!is_new) {
      findings.Add({.code = codes::kListenTwice,
                    .span = node->span,
                    .field = absl::StrCat(RuleField(i), ".listen"),
                    .message = absl::StrCat(listen.ToString(), " is also listened on by ",
                                            RuleField(at->second))});
    }
    if (listen.host() == "0.0.0.0") wildcards[listen.port()].v4 = config.rules[i].name;
    if (listen.host() == "::") wildcards[listen.port()].v6 = config.rules[i].name;
  }
  for (const auto& [listen, i] : first) {
    const auto at = wildcards.find(listen.port());
    if (at == wildcards.end() || listen.host() == "0.0.0.0" || listen.host() == "::") continue;
    const std::string_view wider = listen.IsIpv6() ? at->second.v6 : at->second.v4;
    if (wider.empty()) continue;
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kListenOverlap,
                  .span = rules.children[i].Find("listen")->span,
                  .field = absl::StrCat(RuleField(i), ".listen"),
                  .message = absl::StrCat(listen.ToString(), " is also covered by rule ",
                                          Quote(wider), ", which gets none of its connections")});
  }
}

// Where a finding about a backend's name or address points.
Span SpanOfBackend(const YamlNode& backend, std::string_view key) {
  if (backend.kind == YamlNode::Kind::kScalar) return backend.span;
  const YamlNode* node = backend.Find(key);
  if (node == nullptr) node = backend.Find("address");
  return node == nullptr ? backend.span : node->span;
}

void CheckBackends(const YamlNode& backends, const RuleConfig& rule, const std::string& field,
                   FindingList& findings) {
  std::map<std::string_view, size_t> names;
  std::map<Endpoint, size_t> addresses;
  for (size_t i = 0; i < rule.backends.size(); ++i) {
    const BackendConfig& backend = rule.backends[i];
    const YamlNode& node = backends.children[i];
    const bool has_address = IsValid(&node) || IsValid(node.Find("address"));
    if (!has_address) continue;
    const std::string own_field = absl::StrCat(field, ".backends[", i, "]");
    const auto [name, new_name] = names.emplace(backend.name, i);
    const auto [address, new_address] = addresses.emplace(backend.address, i);
    if (!new_name) {
      const bool own_name = node.Find("name") != nullptr;
      findings.Add({.code = codes::kDuplicateName,
                    .span = SpanOfBackend(node, "name"),
                    .field = own_field,
                    .message = absl::StrCat(Quote(backend.name), " is also the name of ", field,
                                            ".backends[", name->second, "]"),
                    .hint = own_name ? "" : "give one of them a name of its own"});
    } else if (!new_address) {
      findings.Add({.severity = Severity::kWarning,
                    .code = codes::kBackendTwice,
                    .span = SpanOfBackend(node, "address"),
                    .field = own_field,
                    .message = absl::StrCat(backend.address.ToString(), " is also the address of ",
                                            field, ".backends[", address->second, "]")});
    }
  }
}

void CheckWeights(const YamlNode& backends, const RuleConfig& rule, const std::string& field,
                  FindingList& findings) {
  if (rule.backends.empty()) {
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kNoBackends,
                  .span = backends.Place(),
                  .field = absl::StrCat(field, ".backends"),
                  .message = "no backend: every connection is closed at once"});
    return;
  }
  const bool any = std::any_of(rule.backends.begin(), rule.backends.end(),
                               [](const BackendConfig& backend) { return backend.weight > 0; });
  const bool only_backups =
      std::all_of(rule.backends.begin(), rule.backends.end(),
                  [](const BackendConfig& backend) { return backend.backup; });
  if (only_backups)
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kOnlyBackups,
                  .span = backends.Place(),
                  .field = absl::StrCat(field, ".backends"),
                  .message = "all are backups: they take every connection",
                  .hint = "leave out backup: true, or add a backend without it"});
  if (any) return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kAllWeightsZero,
                .span = backends.Place(),
                .field = absl::StrCat(field, ".backends"),
                .message = "all weights are 0: no backend takes a connection"});
}

// Warns where a section itself makes the timeout reach the interval.
void CheckProbeTimes(const YamlNode* section, const HealthCheckConfig& check,
                     const std::string& field, FindingList& findings) {
  if (section == nullptr || !check.enabled || check.timeout < check.interval) return;
  const YamlNode* timeout = section->Find("timeout_ms");
  const YamlNode* interval = section->Find("interval_ms");
  const YamlNode* at = IsValid(timeout) ? timeout : interval;
  if (!IsValid(at)) return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kCheckTimeout,
                .span = at->span,
                .field = absl::StrCat(field, ".", at->key),
                .message = absl::StrCat("the timeout of ", check.timeout.count(),
                                        " ms is not below the interval of ", check.interval.count(),
                                        " ms")});
}

void CheckIgnoreVerify(const YamlNode& parent, const std::string& prefix, FindingList& findings) {
  const YamlNode* section = parent.Find("backend_tls");
  if (section == nullptr || !SectionIsOn(*section)) return;
  const YamlNode* ignore = section->Find("ignore_verify");
  if (!IsValid(ignore) || ignore->number == 0) return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kIgnoreVerify,
                .span = ignore->span,
                .field = absl::StrCat(prefix, "backend_tls.ignore_verify"),
                .message = "backends are not verified: anyone on the way can read and change "
                           "what is sent",
                .hint = "set ca to their authority instead"});
}

void CheckDns(const YamlNode& root, const DnsConfig& dns, FindingList& findings) {
  const YamlNode* section = root.Find("dns");
  if (section == nullptr || dns.min_ttl <= dns.max_ttl) return;
  const YamlNode* max = section->Find("max_ttl");
  const YamlNode* at = IsValid(max) ? max : section->Find("min_ttl");
  findings.Add({.code = codes::kContradiction,
                .span = at->span,
                .field = absl::StrCat("dns.", at->key),
                .message = absl::StrCat("min_ttl (", dns.min_ttl.count(), " ms) is above max_ttl (",
                                        dns.max_ttl.count(), " ms)")});
}

void CheckBalance(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                  FindingList& findings) {
  const YamlNode* factor = node.Find("hash_balance_factor");
  if (!IsValid(factor) || rule.balance.hashes()) return;
  const YamlNode* balance = node.Find("balance");
  if (balance != nullptr && !balance->valid) return;
  findings.Add({.code = codes::kContradiction,
                .span = factor->span,
                .field = absl::StrCat(field, ".hash_balance_factor"),
                .message = absl::StrCat("hash_balance_factor does nothing with balance: ",
                                        ToString(rule.balance.algorithm)),
                .hint = "it bounds source_hash and maglev"});
}

void CheckRule(const YamlNode& root, const YamlNode& node, const RuleConfig& rule, size_t index,
               FindingList& findings) {
  const std::string field = RuleField(index);
  const YamlNode* backends = node.Find("backends");
  if (backends != nullptr && backends->kind == YamlNode::Kind::kList) {
    CheckBackends(*backends, rule, field, findings);
    CheckWeights(*backends, rule, field, findings);
  }
  CheckBalance(node, rule, field, findings);
  CheckCapacity(node, rule, field, findings);
  CheckClients(node, rule, field, findings);
  CheckProbeTimes(node.Find("health_check"), rule.health_check,
                  absl::StrCat(field, ".health_check"), findings);
  CheckIgnoreVerify(node, absl::StrCat(field, "."), findings);
  CheckRuleLimits(root, node, rule, field, findings);
}

}  // namespace

void CheckAcross(const YamlNode& root, const Config& config, FindingList& findings) {
  const YamlNode* rules = root.Find("rules");
  const bool has_rules = rules != nullptr && rules->kind == YamlNode::Kind::kList;
  if (rules == nullptr || (has_rules && rules->children.empty())) {
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kNoRules,
                  .span = rules == nullptr ? std::nullopt : std::optional<Span>(rules->Place()),
                  .field = "rules",
                  .message = "no rules: nothing is listened on"});
  }
  if (has_rules) {
    CheckRuleNames(*rules, config, findings);
    CheckListeners(*rules, config, findings);
    for (size_t i = 0; i < config.rules.size(); ++i)
      CheckRule(root, rules->children[i], config.rules[i], i, findings);
  }
  CheckIgnoreVerify(root, "", findings);
  CheckTopLimits(root, config, findings);
  const YamlNode* health_check = root.Find("health_check");
  CheckProbeTimes(health_check, BuildHealthCheck(health_check), "health_check", findings);
  CheckDns(root, config.dns, findings);
}

}  // namespace lb::controlplane
