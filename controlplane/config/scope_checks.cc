#include "controlplane/config/scope_checks.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/build_config.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

// The scope of a section, where it is `cluster`.
const YamlNode* ClusterScope(const YamlNode& parent, std::string_view section) {
  const YamlNode* node = parent.Find(section);
  if (node == nullptr || node->kind != YamlNode::Kind::kMap) return nullptr;
  const YamlNode* scope = node->Find("scope");
  return scope != nullptr && scope->valid && scope->text == "cluster" ? scope : nullptr;
}

void WarnOfNoCluster(const YamlNode& parent, const std::string& prefix, FindingList& findings) {
  for (const char* section : {"backend_connection_limit", "bandwidth_limit"}) {
    const YamlNode* scope = ClusterScope(parent, section);
    if (scope == nullptr) continue;
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kScopeAlone,
                  .span = scope->span,
                  .field = absl::StrCat(prefix, section, ".scope"),
                  .message = "there is no cluster: it counts on this host alone",
                  .hint = "add the section cluster, or write scope: node"});
  }
}

// How many hosts the configuration names, this one too; absent: it cannot be told.
std::optional<size_t> HostsOf(const ClusterConfig& cluster) {
  std::vector<Endpoint> hosts;
  for (const Endpoint& peer : cluster.peers) {
    if (peer.kind() != Endpoint::Kind::kIp) return std::nullopt;
    hosts.push_back(peer);
  }
  if (hosts.empty()) return std::nullopt;
  hosts.push_back(cluster.advertise_addr.value_or(cluster.bind_addr));
  std::sort(hosts.begin(), hosts.end());
  return static_cast<size_t>(std::unique(hosts.begin(), hosts.end()) - hosts.begin());
}

void WarnOfSmall(const YamlNode& node, const RuleConfig& rule, const ClusterConfig& cluster,
                 const std::string& field, FindingList& findings) {
  const YamlNode* scope = ClusterScope(node, "backend_connection_limit");
  if (scope == nullptr || rule.queue) return;
  std::optional<uint64_t> lowest;
  for (const BackendConfig& backend : rule.backends) {
    const std::optional<uint64_t> limit =
        backend.max_connections ? backend.max_connections : rule.backend_connection_limit;
    if (limit) lowest = std::min(lowest.value_or(*limit), *limit);
  }
  const std::optional<size_t> hosts = HostsOf(cluster);
  const uint64_t enough = hosts ? kSlotsOfWorker * *hosts : kSlotsOfCluster;
  if (!lowest || *lowest >= enough) return;
  findings.Add(
      {.severity = Severity::kWarning,
       .code = codes::kSmallShare,
       .span = scope->span,
       .field = absl::StrCat(field, ".backend_connection_limit"),
       .message = absl::StrCat(
           *lowest, " over ", hosts ? absl::StrCat(*hosts, " hosts") : "all hosts",
           " is little: slots move between hosts about once a second, so that connections may be "
           "refused while another host has some left"),
       .hint = absl::StrCat("add a queue, in which they wait; without one have ", kSlotsOfWorker,
                            " slots for each worker of each host")});
}

}  // namespace

void CheckScopes(const YamlNode& root, const Config& config, FindingList& findings) {
  if (!config.cluster) WarnOfNoCluster(root, "", findings);
  const YamlNode* rules = root.Find("rules");
  if (rules == nullptr || rules->kind != YamlNode::Kind::kList) return;
  for (size_t i = 0; i < config.rules.size(); ++i) {
    const std::string field = RuleField(i);
    if (config.cluster)
      WarnOfSmall(rules->children[i], config.rules[i], *config.cluster, field, findings);
    else
      WarnOfNoCluster(rules->children[i], absl::StrCat(field, "."), findings);
  }
}

}  // namespace lb::controlplane
