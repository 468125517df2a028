#include "controlplane/config/client_checks.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

// Of both lists of a rule together.
constexpr size_t kMaxNetworks = 100'000;

// Where a network stands in its list. Sorted by the network.
using Places = std::vector<std::pair<Cidr, size_t>>;

// `networks` are the valid items of `list`.
Places PlacesOf(const YamlNode* list, const std::vector<Cidr>& networks) {
  Places places;
  if (list == nullptr) return places;
  size_t next = 0;
  for (size_t i = 0; i < list->children.size(); ++i)
    if (list->children[i].valid) places.emplace_back(networks[next++], i);
  std::sort(places.begin(), places.end());
  return places;
}

void CheckBothLists(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                    FindingList& findings) {
  const YamlNode* deny = node.Find("deny");
  const Places allowed = PlacesOf(node.Find("allow"), rule.allow);
  for (const auto& [network, index] : PlacesOf(deny, rule.deny)) {
    const auto same =
        std::lower_bound(allowed.begin(), allowed.end(), Places::value_type(network, 0));
    if (same == allowed.end() || same->first != network) continue;
    findings.Add({.code = codes::kContradiction,
                  .span = deny->children[index].span,
                  .field = absl::StrCat(field, ".deny[", index, "]"),
                  .message = absl::StrCat(network.ToString(), " is also ", field, ".allow[",
                                          same->second, "]")});
  }
  const bool said = rule.allow.size() > kMaxNetworks || rule.deny.size() > kMaxNetworks;
  if (said || rule.allow.size() + rule.deny.size() <= kMaxNetworks || deny == nullptr) return;
  findings.Add(
      {.code = codes::kOutOfRange,
       .span = deny->Place(),
       .field = absl::StrCat(field, ".deny"),
       .message = absl::StrCat("allow and deny have ", rule.allow.size() + rule.deny.size(),
                               " networks together; at most ", kMaxNetworks)});
}

// An empty list could mean nobody or everybody: what is written must not be guessed at.
void CheckNotEmpty(const YamlNode* list, std::string field, std::string hint,
                   FindingList& findings) {
  if (list == nullptr || list->kind != YamlNode::Kind::kList || !list->children.empty()) return;
  findings.Add({.code = codes::kOutOfRange,
                .span = list->Place(),
                .field = std::move(field),
                .message = absl::StrCat("'", list->key, "' is empty"),
                .hint = std::move(hint)});
}

void CheckTwice(const YamlNode* list, const std::vector<Cidr>& networks, const std::string& field,
                FindingList& findings) {
  const Places places = PlacesOf(list, networks);
  for (size_t i = 1; i < places.size(); ++i) {
    const auto& [network, index] = places[i];
    if (places[i - 1].first != network) continue;
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kNetworkTwice,
                  .span = list->children[index].span,
                  .field = absl::StrCat(field, "[", index, "]"),
                  .message = absl::StrCat(network.ToString(), " is also ", field, "[",
                                          places[i - 1].second, "]")});
  }
}

// Without `from` every client must send a header, so that there are no others to take.
void CheckAccept(const YamlNode& accept, const ProxyProtocolConfig& proxy, const std::string& field,
                 FindingList& findings) {
  const YamlNode* from = accept.Find("from");
  CheckNotEmpty(from, absl::StrCat(field, ".from"), "leave it out to read a header of every client",
                findings);
  CheckTwice(from, proxy.from, absl::StrCat(field, ".from"), findings);
  if (from != nullptr || !proxy.accept) return;
  const YamlNode* required = accept.Find("required");
  if (required != nullptr && !proxy.refuse_others) {
    findings.Add({.code = codes::kContradiction,
                  .span = required->span,
                  .field = absl::StrCat(field, ".required"),
                  .message = "without 'from' every client must send a header",
                  .hint = "name in `from` those who send one"});
    return;
  }
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kAnyProxy,
                .span = accept.Place(),
                .field = field,
                .message = "whoever reaches the port may say to be anybody, past access lists and "
                           "limits",
                .hint = "name the proxies in `from`; 0.0.0.0/0 and ::/0 where nobody else gets "
                        "there"});
}

void CheckHandshake(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                    FindingList& findings) {
  const YamlNode* timeouts = node.Find("timeouts");
  const YamlNode* handshake = timeouts == nullptr ? nullptr : timeouts->Find("handshake");
  if (handshake == nullptr || !handshake->valid || rule.proxy_protocol.accept) return;
  if (rule.tls || rule.backend_tls || node.Find("sni") != nullptr) return;
  findings.Add({.severity = Severity::kWarning,
                .code = codes::kIdleHandshake,
                .span = handshake->span,
                .field = absl::StrCat(field, ".timeouts.handshake"),
                .message = "clients need not send anything first: it limits nothing",
                .hint = "set proxy_protocol.accept, tls or sni, or remove it"});
}

}  // namespace

void CheckClients(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                  FindingList& findings) {
  CheckNotEmpty(node.Find("allow"), absl::StrCat(field, ".allow"),
                "leave it out to let everybody in, or deny 0.0.0.0/0 and ::/0", findings);
  CheckBothLists(node, rule, field, findings);
  CheckTwice(node.Find("allow"), rule.allow, absl::StrCat(field, ".allow"), findings);
  CheckTwice(node.Find("deny"), rule.deny, absl::StrCat(field, ".deny"), findings);
  const YamlNode* proxy = node.Find("proxy_protocol");
  const YamlNode* accept = proxy == nullptr ? nullptr : proxy->Find("accept");
  if (accept != nullptr)
    CheckAccept(*accept, rule.proxy_protocol, absl::StrCat(field, ".proxy_protocol.accept"),
                findings);
  CheckHandshake(node, rule, field, findings);
}

}  // namespace lb::controlplane
