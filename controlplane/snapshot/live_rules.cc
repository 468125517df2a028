#include "controlplane/snapshot/live_rules.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::controlplane {
namespace {

// Longest name of a backend that workers take.
constexpr size_t kMaxNameBytes = 255;

// The Host header: the name without a port for DNS names, the whole address else; a unix socket has
// none of its own.
std::string CheckHost(const Endpoint& configured, const Endpoint& address) {
  if (configured.kind() == Endpoint::Kind::kUnix) return "localhost";
  if (configured.IsResolved()) return address.ToString();
  return configured.host();
}

// The domain of "_service._proto.domain": who can change where an SRV record points must not be
// able to choose which certificate is good (RFC 6125 section 6.2.1).
std::string DomainOfSrv(const std::string& name) {
  const size_t proto = name.find('.') + 1;
  const size_t domain = name.find('.', proto);
  return domain == std::string::npos ? name : name.substr(domain + 1);
}

// The name that a backend's certificate must have, where connections to it or its checks use TLS.
std::string ServerName(const RuleConfig& rule, const BackendConfig& backend) {
  const Endpoint& configured = backend.address;
  if (!rule.backend_tls && !rule.health_check.tls) return "";
  if (rule.backend_tls && !rule.backend_tls->server_name.empty())
    return rule.backend_tls->server_name;
  // The name in the cluster's DNS, without the domain that differs from one to another.
  if (backend.service)
    return absl::StrCat(backend.service->name, ".", backend.service->space, ".svc");
  switch (configured.kind()) {
    case Endpoint::Kind::kUnix:
      return "";
    case Endpoint::Kind::kSrv:
      return DomainOfSrv(configured.host());
    case Endpoint::Kind::kIp:
    case Endpoint::Kind::kName:
      return configured.host();
  }
  LB_CHECK(false);
}

LiveBackend Live(const RuleConfig& rule, const BackendConfig& backend, std::string name,
                 const Endpoint& address) {
  const uint64_t rule_limit = rule.backend_connection_limit.value_or(0);
  return {.name = std::move(name),
          .address = address,
          .weight = backend.weight,
          .max_connections = backend.max_connections.value_or(rule_limit),
          .check_host = CheckHost(backend.service ? address : backend.address, address),
          .configured_weight = backend.weight,
          .backup = backend.backup,
          .server_name = ServerName(rule, backend),
          .sni_route = backend.sni_route};
}

// One backend for each endpoint. Those that end are drained as long as one is ready, and serve else
// (KEP-1669, as kube-proxy does).
void AddService(const RuleConfig& rule, const BackendConfig& backend,
                const std::vector<ServiceEndpoint>& endpoints,
                std::map<std::string, LiveBackend>& by_name) {
  const bool any_ready = std::any_of(
      endpoints.begin(), endpoints.end(),
      [](const ServiceEndpoint& endpoint) { return endpoint.state == EndpointState::kReady; });
  for (const ServiceEndpoint& endpoint : endpoints) {
    std::string name = absl::StrCat(backend.name, "@", endpoint.pod);
    if (endpoint.pod.empty() || name.size() > kMaxNameBytes)
      name = absl::StrCat(backend.name, "@", endpoint.address.ToString());
    LiveBackend live = Live(rule, backend, name, endpoint.address);
    live.ending = any_ready && endpoint.state == EndpointState::kEnding;
    if (live.ending) {
      live.weight = 0;
      live.admin_state = type::v1::ADMIN_STATE_DRAIN;
    }
    by_name.emplace(std::move(name), std::move(live));
  }
}

std::vector<LiveBackend> ExpandBackends(const RuleConfig& rule, const Addresses& addresses,
                                        const Services& services) {
  std::map<std::string, LiveBackend> by_name;
  for (const BackendConfig& backend : rule.backends)
    if (!backend.service && backend.address.IsResolved())
      by_name.emplace(backend.name, Live(rule, backend, backend.name, backend.address));
  for (const BackendConfig& backend : rule.backends) {
    if (backend.service) {
      const auto endpoints = services.find(*backend.service);
      if (endpoints != services.end()) AddService(rule, backend, endpoints->second, by_name);
      continue;
    }
    if (!backend.IsName()) continue;
    const auto answer = addresses.find(backend.address);
    if (answer == addresses.end()) continue;
    for (const Endpoint& address : answer->second) {
      std::string name = absl::StrCat(backend.name, "@", address.ToString());
      LiveBackend live = Live(rule, backend, name, address);
      by_name.emplace(std::move(name), std::move(live));
    }
  }
  std::vector<LiveBackend> out;
  out.reserve(by_name.size());
  for (auto& [name, backend] : by_name) out.push_back(std::move(backend));
  return out;
}

std::vector<UnresolvedBackend> Unresolved(const RuleConfig& rule, const Addresses& addresses,
                                          const Services& services) {
  std::vector<UnresolvedBackend> out;
  for (const BackendConfig& backend : rule.backends)
    if (backend.service ? !services.contains(*backend.service)
                        : backend.IsName() && !addresses.contains(backend.address))
      out.push_back(
          {backend.name, backend.address, backend.weight, backend.sni_route, backend.service});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace

LiveRules Expand(const Config& config, const Addresses& addresses, const Services& services) {
  LiveRules rules;
  rules.reserve(config.rules.size());
  for (const RuleConfig& rule : config.rules) {
    rules.push_back({.name = rule.name,
                     .listen = rule.listen,
                     .timeouts = rule.timeouts,
                     .health_check = rule.health_check,
                     .connect_attempts = rule.connect_attempts,
                     .max_connections = rule.max_connections.value_or(0),
                     .max_connections_per_client = rule.max_connections_per_client.value_or(0),
                     .share_backend_limits = rule.share_backend_limits,
                     .queue = rule.queue,
                     .rate_limit = rule.own_rate_limit ? rule.rate_limit : config.rate_limit,
                     .own_rate_limit = rule.own_rate_limit,
                     .bandwidth_limit =
                         rule.own_bandwidth_limit ? rule.bandwidth_limit : config.bandwidth_limit,
                     .own_bandwidth_limit = rule.own_bandwidth_limit,
                     .source = rule.source,
                     .allow = rule.allow,
                     .deny = rule.deny,
                     .proxy_protocol = rule.proxy_protocol,
                     .backends = ExpandBackends(rule, addresses, services),
                     .unresolved = Unresolved(rule, addresses, services),
                     .balance = rule.balance,
                     .outlier_detection = rule.outlier_detection,
                     .drain_timeout = rule.drain_timeout,
                     .access_log = config.access_log,
                     .access_log_off = !rule.access_log,
                     .tls = rule.tls,
                     .backend_tls = rule.backend_tls,
                     .sni_routes = rule.sni_routes});
  }
  std::sort(rules.begin(), rules.end(),
            [](const LiveRule& a, const LiveRule& b) { return a.name < b.name; });
  return rules;
}

std::vector<Endpoint> NamesInUse(const Config& config) {
  std::set<Endpoint> names;
  for (const RuleConfig& rule : config.rules)
    for (const BackendConfig& backend : rule.backends)
      if (backend.IsName()) names.insert(backend.address);
  return {names.begin(), names.end()};
}

const LiveRule* FindRule(const LiveRules& rules, const std::string& name) {
  const auto it = std::lower_bound(
      rules.begin(), rules.end(), name,
      [](const LiveRule& rule, const std::string& wanted) { return rule.name < wanted; });
  return it != rules.end() && it->name == name ? &*it : nullptr;
}

const LiveBackend* FindBackend(const LiveRule& rule, const std::string& name) {
  const auto it = std::lower_bound(
      rule.backends.begin(), rule.backends.end(), name,
      [](const LiveBackend& backend, const std::string& wanted) { return backend.name < wanted; });
  return it != rule.backends.end() && it->name == name ? &*it : nullptr;
}

}  // namespace lb::controlplane
