#include "controlplane/config/capacity_checks.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/backend_checks.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

// A backend without a limit always has room, so that nobody waits.
void CheckQueue(const YamlNode& node, const std::string& field, FindingList& findings) {
  const YamlNode* queue = node.Find("queue");
  if (queue == nullptr || queue->kind != YamlNode::Kind::kMap) return;
  bool limited = node.Find("backend_connection_limit") != nullptr;
  bool any = false;
  for (const BackendList& list : BackendListsOf(node, "")) {
    any |= !list.node->children.empty();
    for (const YamlNode& backend : list.node->children)
      limited |= backend.Find("max_connections") != nullptr;
  }
  if (limited || !any) return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kIdleQueue,
                .span = queue->Place(),
                .field = absl::StrCat(field, ".queue"),
                .message = "no backend has a limit: nobody ever waits",
                .hint = "set backend_connection_limit"});
}

// Which sources connections to the backends can come from. Of a name nobody knows yet.
struct Families {
  bool v4 = false;
  bool v6 = false;
};

Families FamiliesOf(const RuleConfig& rule) {
  Families families{rule.backends.empty(), rule.backends.empty()};
  for (const BackendConfig& backend : rule.backends) {
    if (backend.address.kind() == Endpoint::Kind::kUnix) continue;
    const bool unknown = !backend.address.IsResolved() || backend.address.host().empty();
    families.v4 |= unknown || !backend.address.IsIpv6();
    families.v6 |= unknown || backend.address.IsIpv6();
  }
  return families;
}

void CheckSource(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                 FindingList& findings) {
  const YamlNode* list = node.Find("source");
  if (list == nullptr) return;
  const Families families = FamiliesOf(rule);
  std::map<Endpoint, size_t> first;
  size_t next = 0;  // In rule.source, which has only the valid ones.
  for (size_t i = 0; i < list->children.size(); ++i) {
    if (!list->children[i].valid) continue;
    const Endpoint& source = rule.source[next++];
    const auto [at, is_new] = first.emplace(source, i);
    RawFinding finding{.severity = Severity::kWarning,
                       .code = codes::kIdleSource,
                       .span = list->children[i].span,
                       .field = absl::StrCat(field, ".source[", i, "]"),
                       .message = absl::StrCat("no backend has an ",
                                               source.IsIpv6() ? "IPv6" : "IPv4", " address")};
    if (!is_new) {
      finding.code = codes::kSourceTwice;
      finding.message =
          absl::StrCat(source.host(), " is also ", field, ".source[", at->second, "]");
    } else if (source.IsIpv6() ? families.v6 : families.v4) {
      continue;
    }
    findings.Add(std::move(finding));
  }
}

// A client cannot have more open than all together may.
void CheckClientLimit(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                      FindingList& findings) {
  const YamlNode* limit = node.Find("max_connections_per_client");
  if (limit == nullptr || !limit->valid || !rule.max_connections ||
      *rule.max_connections >= limit->number)
    return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kIdleClientLimit,
                .span = limit->span,
                .field = absl::StrCat(field, ".max_connections_per_client"),
                .message = absl::StrCat("it never refuses anybody: max_connections of the rule is ",
                                        *rule.max_connections)});
}

}  // namespace

void CheckCapacity(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                   FindingList& findings) {
  CheckQueue(node, field, findings);
  CheckSource(node, rule, field, findings);
  CheckClientLimit(node, rule, field, findings);
}

}  // namespace lb::controlplane
