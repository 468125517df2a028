#include "controlplane/config/backend_checks.h"

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;
using Backends = std::span<const BackendConfig>;

// Where each name of a rule stands.
using Names = std::map<std::string_view, std::string>;

bool IsValid(const YamlNode* node) { return node != nullptr && node->valid; }

bool IsList(const YamlNode* node) { return node != nullptr && node->kind == YamlNode::Kind::kList; }

// Where a finding about a backend's name or address points.
Span SpanOfBackend(const YamlNode& backend, std::string_view key) {
  if (backend.kind == YamlNode::Kind::kScalar) return backend.span;
  const YamlNode* node = backend.Find(key);
  if (node == nullptr) node = backend.Find("address");
  if (node == nullptr) node = backend.Find("kubernetes");
  return node == nullptr ? backend.span : node->Place();
}

void CheckTwice(const BackendList& list, Backends backends, Names& names, FindingList& findings) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < backends.size(); ++i) {
    const BackendConfig& backend = backends[i];
    const YamlNode& node = list.node->children[i];
    const bool has_place = IsValid(&node) || IsValid(node.Find("address")) || backend.service;
    if (!has_place) continue;
    std::string own_field = absl::StrCat(list.field, "[", i, "]");
    const auto [name, new_name] = names.emplace(backend.name, own_field);
    const auto [place, new_place] = places.emplace(backend.Place(), i);
    if (!new_name) {
      const bool own_name = node.Find("name") != nullptr;
      findings.Add(
          {.code = codes::kDuplicateName,
           .span = SpanOfBackend(node, "name"),
           .field = std::move(own_field),
           .message = absl::StrCat(Quote(backend.name), " is also the name of ", name->second),
           .hint = own_name ? "" : "give one of them a name of its own"});
    } else if (!new_place) {
      findings.Add({.severity = Severity::kWarning,
                    .code = codes::kBackendTwice,
                    .span = SpanOfBackend(node, "address"),
                    .field = std::move(own_field),
                    .message = absl::StrCat(backend.Place(), " is also the address of ", list.field,
                                            "[", place->second, "]")});
    }
  }
}

// A backend is at an address, or comes from a Service.
void CheckPlaces(const BackendList& list, FindingList& findings) {
  for (size_t i = 0; i < list.node->children.size(); ++i) {
    const YamlNode& node = list.node->children[i];
    const YamlNode* service = node.Find("kubernetes");
    const bool has_address = node.Find("address") != nullptr;
    if (node.kind != YamlNode::Kind::kMap || (service != nullptr) != has_address) continue;
    RawFinding finding{.code = codes::kMissingKey,
                       .span = node.Place(),
                       .field = absl::StrCat(list.field, "[", i, "].address"),
                       .message = "key 'address' is missing"};
    if (service != nullptr) {
      finding.code = codes::kContradiction;
      finding.span = service->Place();
      finding.field = absl::StrCat(list.field, "[", i, "].kubernetes");
      finding.message = "a backend has an address or comes from a Service, not both";
    }
    findings.Add(std::move(finding));
  }
}

void Warn(const BackendList& list, std::string_view code, std::string message, std::string hint,
          FindingList& findings) {
  findings.Add({.severity = Severity::kWarning,
                .code = code,
                .span = list.node->Place(),
                .field = list.field,
                .message = std::move(message),
                .hint = std::move(hint)});
}

void CheckWeights(const BackendList& list, Backends backends, FindingList& findings) {
  if (backends.empty())
    return Warn(list, codes::kNoBackends, "no backend: every connection is closed at once", "",
                findings);
  if (std::all_of(backends.begin(), backends.end(),
                  [](const BackendConfig& backend) { return backend.backup; }))
    Warn(list, codes::kOnlyBackups, "all are backups: they take every connection",
         "leave out backup: true, or add a backend without it", findings);
  if (std::all_of(backends.begin(), backends.end(),
                  [](const BackendConfig& backend) { return backend.weight == 0; }))
    Warn(list, codes::kAllWeightsZero, "all weights are 0: no backend takes a connection", "",
         findings);
}

}  // namespace

std::vector<BackendList> BackendListsOf(const YamlNode& rule, const std::string& field) {
  std::vector<BackendList> lists;
  size_t next = 0;
  const auto add = [&](const YamlNode* node, std::string where) {
    if (IsList(node)) lists.push_back({node, std::move(where), next});
    if (node != nullptr) next += node->children.size();
  };
  add(rule.Find("backends"), absl::StrCat(field, ".backends"));
  const YamlNode* routes = rule.Find("sni");
  if (!IsList(routes)) return lists;
  for (size_t i = 0; i < routes->children.size(); ++i)
    add(routes->children[i].Find("backends"), absl::StrCat(field, ".sni[", i, "].backends"));
  return lists;
}

void CheckBackends(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                   FindingList& findings) {
  const YamlNode* routes = node.Find("sni");
  const bool routed = IsList(routes) && !routes->children.empty();
  if (node.Find("backends") == nullptr && !routed && node.kind == YamlNode::Kind::kMap)
    findings.Add({.code = codes::kMissingKey,
                  .span = node.Place(),
                  .field = absl::StrCat(field, ".backends"),
                  .message = "key 'backends' is missing"});
  Names names;
  for (const BackendList& list : BackendListsOf(node, field)) {
    const Backends backends =
        Backends(rule.backends).subspan(list.first, list.node->children.size());
    CheckPlaces(list, findings);
    CheckTwice(list, backends, names, findings);
    // Clients that no route takes may be refused.
    const bool may_be_empty = routed && list.node == node.Find("backends");
    if (!backends.empty() || !may_be_empty) CheckWeights(list, backends, findings);
  }
}

}  // namespace lb::controlplane
