#include "controlplane/config/cross_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/backend_checks.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/capacity_checks.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/client_checks.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/limit_checks.h"
#include "controlplane/config/scope_checks.h"
#include "controlplane/config/tls_checks.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

bool IsValid(const YamlNode* node) { return node != nullptr && node->valid; }

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
  CheckBackends(node, rule, field, findings);
  CheckBalance(node, rule, field, findings);
  CheckCapacity(node, rule, field, findings);
  CheckClients(node, rule, field, findings);
  CheckProbeTimes(node.Find("health_check"), rule.health_check,
                  absl::StrCat(field, ".health_check"), findings);
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
  CheckTls(root, config, findings);
  CheckTopLimits(root, config, findings);
  CheckScopes(root, config, findings);
  const YamlNode* health_check = root.Find("health_check");
  CheckProbeTimes(health_check, BuildHealthCheck(health_check), "health_check", findings);
  CheckDns(root, config.dns, findings);
}

}  // namespace lb::controlplane
