#include "controlplane/config/build_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/config/build_tls.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/section_view.h"
#include "controlplane/config/text_value.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

// The valid scalar `name` of a map, or nullptr.
const YamlNode* Value(const YamlNode& map, std::string_view name) {
  const YamlNode* node = map.Find(name);
  return node != nullptr && node->valid ? node : nullptr;
}

// What `name` says of a map with a short form: of the map, or of the scalar in its place.
const YamlNode* ValueOrShort(const YamlNode& node, std::string_view name) {
  if (node.kind == YamlNode::Kind::kScalar) return node.valid ? &node : nullptr;
  return Value(node, name);
}

template <typename Number>
void Set(const YamlNode& map, std::string_view name, Number& target) {
  if (const YamlNode* node = Value(map, name)) target = static_cast<Number>(node->number);
}

void Set(const YamlNode& map, std::string_view name, milliseconds& target) {
  if (const YamlNode* node = Value(map, name)) target = milliseconds(node->number);
}

template <typename Number>
void Set(const YamlNode& map, std::string_view name, std::optional<Number>& target) {
  if (const YamlNode* node = Value(map, name)) target = static_cast<Number>(node->number);
}

HealthCheckConfig::Protocol ProtocolOf(std::string_view name) {
  using enum HealthCheckConfig::Protocol;
  return name == "http" ? kHttp : name == "tls" ? kTls : name == "grpc" ? kGrpc : kTcp;
}

void Apply(const YamlNode* section, HealthCheckConfig& check) {
  if (section == nullptr || section->kind != YamlNode::Kind::kMap) return;
  check.enabled = SectionIsOn(*section);
  if (const YamlNode* protocol = Value(*section, "protocol"))
    check.protocol = ProtocolOf(protocol->text);
  if (const YamlNode* path = Value(*section, "path")) check.path = path->text;
  Set(*section, "interval_ms", check.interval);
  Set(*section, "timeout_ms", check.timeout);
  Set(*section, "rise", check.rise);
  Set(*section, "fall", check.fall);
  Set(*section, "expect_status", check.expect_status);
  Set(*section, "port", check.port);
  if (const YamlNode* grpc = section->Find("grpc"))
    if (const YamlNode* service = Value(*grpc, "service")) check.grpc_service = service->text;
}

void Apply(const YamlNode* section, BandwidthRatesConfig& rates) {
  if (section == nullptr) return;
  Set(*section, "upload_per_sec", rates.upload_bytes_per_s);
  Set(*section, "download_per_sec", rates.download_bytes_per_s);
  Set(*section, "burst", rates.burst_bytes);
}

void Apply(const YamlNode& section, BandwidthLimitConfig& limit) {
  Apply(section.Find("client"), limit.client);
  Apply(section.Find("backend"), limit.backend);
  if (const YamlNode* scope = Value(section, "scope")) limit.shared = scope->text == "cluster";
}

void Apply(const YamlNode& section, RateLimitConfig& limit) {
  Set(section, "requests_per_second", limit.requests_per_second);
  Set(section, "burst", limit.burst);
  if (const YamlNode* key = section.Find("key")) {
    Set(*key, "ipv4", limit.ipv4_prefix);
    Set(*key, "ipv6", limit.ipv6_prefix);
    Set(*key, "client_cert", limit.client_cert);
  }
  if (const YamlNode* enforce = Value(section, "enforce")) {
    limit.enforce = enforce->text == "shadow" ? RateLimitConfig::Enforce::kShadow
                    : enforce->text == "off"  ? RateLimitConfig::Enforce::kOff
                                              : RateLimitConfig::Enforce::kOn;
  }
  if (const YamlNode* refuse = Value(section, "on_refuse")) {
    limit.on_refuse = refuse->text == "close" ? RateLimitConfig::OnRefuse::kClose
                                              : RateLimitConfig::OnRefuse::kReset;
  }
  Set(section, "max_clients", limit.max_clients);
}

// What a section of a limit says, on or off, on top of `base`.
template <typename Limit>
Limit LimitOf(const YamlNode* section, Limit base) {
  if (section != nullptr && section->kind == YamlNode::Kind::kMap) Apply(*section, base);
  return base;
}

// The limit that a section turns on, or nothing.
template <typename Limit>
std::optional<Limit> LimitWhereOn(const YamlNode* section, const Limit& base) {
  if (section == nullptr || section->kind != YamlNode::Kind::kMap || !SectionIsOn(*section))
    return std::nullopt;
  return LimitOf(section, base);
}

// What the top level says, which rules replace key by key: of sections that are off too.
struct Defaults {
  const YamlNode& root;
  HealthCheckConfig health_check;
  RateLimitConfig rate_limit;
  BandwidthLimitConfig bandwidth_limit;
};

// The Service that a backend comes from.
std::optional<ServiceRef> BuildService(const YamlNode* section) {
  if (section == nullptr) return std::nullopt;
  const YamlNode* service = Value(*section, "service");
  const YamlNode* port = Value(*section, "port");
  if (service == nullptr || port == nullptr) return std::nullopt;
  const size_t slash = service->text.find('/');
  LB_CHECK(slash != std::string::npos);
  return ServiceRef{service->text.substr(0, slash), service->text.substr(slash + 1), port->text};
}

BackendConfig BuildBackend(const YamlNode& node, uint32_t sni_route) {
  BackendConfig backend;
  backend.sni_route = sni_route;
  if (const YamlNode* address = ValueOrShort(node, "address")) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(address->text);
    LB_CHECK(endpoint.ok());
    backend.address = *std::move(endpoint);
    backend.name = DefaultBackendName(address->text);
  }
  backend.service = BuildService(node.Find("kubernetes"));
  if (backend.service) backend.name = DefaultBackendName(backend.service->ToString());
  if (const YamlNode* name = Value(node, "name")) backend.name = name->text;
  Set(node, "weight", backend.weight);
  Set(node, "max_connections", backend.max_connections);
  Set(node, "backup", backend.backup);
  return backend;
}

// The backends of a list go behind those that are there.
void AddBackends(const YamlNode* list, uint32_t sni_route, RuleConfig& rule) {
  if (list == nullptr) return;
  rule.backends.reserve(rule.backends.size() + list->children.size());
  for (const YamlNode& backend : list->children)
    rule.backends.push_back(BuildBackend(backend, sni_route));
}

// What a rule says of TLS, and what its limit and its checks make of that.
void ApplyTls(const YamlNode& node, size_t index, const YamlNode& root, RuleConfig& rule) {
  const std::string field = RuleField(index);
  const SectionView tls(root, "tls", node, field);
  const SectionView backend_tls(root, "backend_tls", node, field);
  if (tls.on()) rule.tls = BuildTls(tls);
  if (backend_tls.on()) rule.backend_tls = BuildBackendTls(backend_tls);
  rule.health_check.tls = BuildCheckTls(SectionView(root, "health_check", node, field), rule);
  const YamlNode* routes = node.Find("sni");
  rule.sni_routes = BuildSniRoutes(routes);
  for (size_t i = 0; i < rule.sni_routes.size(); ++i)
    AddBackends(routes->children[i].Find("backends"), static_cast<uint32_t>(i + 1), rule);
  // Nobody has an identity here: what the top level says of them is not for this rule.
  const bool asks = rule.tls && rule.tls->client_auth != TlsConfig::ClientAuth::kNone;
  if (rule.rate_limit && !asks) rule.rate_limit->client_cert = false;
}

std::optional<QueueConfig> BuildQueue(const YamlNode* section) {
  if (section == nullptr) return std::nullopt;
  QueueConfig queue;
  Set(*section, "max", queue.max);
  Set(*section, "timeout", queue.timeout);
  return queue;
}

std::vector<Endpoint> BuildSource(const YamlNode* list) {
  std::vector<Endpoint> source;
  if (list == nullptr) return source;
  for (const YamlNode& address : list->children) {
    if (!address.valid) continue;
    absl::StatusOr<Endpoint> endpoint = Endpoint::FromIp(address.text, 0);
    LB_CHECK(endpoint.ok());
    source.push_back(*std::move(endpoint));
  }
  return source;
}

std::vector<Cidr> BuildNetworks(const YamlNode* list) {
  std::vector<Cidr> networks;
  if (list == nullptr) return networks;
  networks.reserve(list->children.size());
  for (const YamlNode& network : list->children) {
    if (!network.valid) continue;
    absl::StatusOr<Cidr> cidr = Cidr::Parse(network.text);
    LB_CHECK(cidr.ok());
    networks.push_back(*cidr);
  }
  return networks;
}

ProxyProtocolConfig BuildProxyProtocol(const YamlNode* section) {
  ProxyProtocolConfig proxy;
  if (section == nullptr) return proxy;
  if (const YamlNode* accept = section->Find("accept")) {
    const YamlNode* enabled = ValueOrShort(*accept, "enabled");
    proxy.accept = enabled == nullptr || enabled->number != 0;
    proxy.from = BuildNetworks(accept->Find("from"));
    if (const YamlNode* required = Value(*accept, "required"))
      proxy.refuse_others = required->number != 0;
  }
  if (const YamlNode* send = Value(*section, "send"))
    proxy.send = send->text == "v1" ? ProxyVersion::kV1 : ProxyVersion::kV2;
  return proxy;
}

BalanceConfig BuildBalance(const YamlNode& rule) {
  BalanceConfig balance;
  if (const YamlNode* name = Value(rule, "balance"))
    balance.algorithm = ParseAlgorithm(name->text).value();
  Set(rule, "hash_balance_factor", balance.hash_balance_percent);
  Set(rule, "panic_threshold", balance.panic_threshold_percent);
  Set(rule, "slow_start", balance.slow_start);
  return balance;
}

std::optional<OutlierConfig> BuildOutlierDetection(const YamlNode* section) {
  if (section == nullptr || section->kind != YamlNode::Kind::kMap || !SectionIsOn(*section))
    return std::nullopt;
  OutlierConfig outlier;
  Set(*section, "failures", outlier.failures);
  Set(*section, "ejection_time", outlier.ejection_time);
  Set(*section, "max_ejected", outlier.max_ejected_percent);
  Set(*section, "max_connect_time", outlier.max_connect_time);
  return outlier;
}

RuleConfig BuildRule(const YamlNode& node, size_t index, const Defaults& defaults) {
  RuleConfig rule;
  rule.health_check = defaults.health_check;
  if (const YamlNode* name = Value(node, "name")) rule.name = name->text;
  if (const YamlNode* listen = Value(node, "listen")) {
    absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(listen->text);
    LB_CHECK(endpoint.ok());
    rule.listen = *std::move(endpoint);
  }
  AddBackends(node.Find("backends"), 0, rule);
  if (const YamlNode* limit = node.Find("backend_connection_limit")) {
    if (const YamlNode* number = ValueOrShort(*limit, "limit"))
      rule.backend_connection_limit = number->number;
    if (const YamlNode* scope = Value(*limit, "scope"))
      rule.share_backend_limits = scope->text == "cluster";
  }
  Set(node, "max_connections", rule.max_connections);
  Set(node, "max_connections_per_client", rule.max_connections_per_client);
  rule.queue = BuildQueue(node.Find("queue"));
  rule.source = BuildSource(node.Find("source"));
  if (const YamlNode* timeouts = node.Find("timeouts")) {
    Set(*timeouts, "connect", rule.timeouts.connect);
    Set(*timeouts, "idle", rule.timeouts.idle);
    Set(*timeouts, "half_close", rule.timeouts.half_close);
    Set(*timeouts, "handshake", rule.timeouts.handshake);
  }
  Set(node, "connect_attempts", rule.connect_attempts);
  Set(node, "drain_timeout", rule.drain_timeout);
  rule.balance = BuildBalance(node);
  rule.outlier_detection = BuildOutlierDetection(node.Find("outlier_detection"));
  Apply(node.Find("health_check"), rule.health_check);
  rule.allow = BuildNetworks(node.Find("allow"));
  rule.deny = BuildNetworks(node.Find("deny"));
  rule.proxy_protocol = BuildProxyProtocol(node.Find("proxy_protocol"));
  rule.health_check.proxy_header = rule.proxy_protocol.send;
  Set(node, "access_log", rule.access_log);
  if (const YamlNode* section = node.Find("rate_limit")) {
    rule.own_rate_limit = true;
    rule.rate_limit = LimitWhereOn(section, defaults.rate_limit);
  }
  if (const YamlNode* section = node.Find("bandwidth_limit")) {
    rule.own_bandwidth_limit = true;
    rule.bandwidth_limit = LimitWhereOn(section, defaults.bandwidth_limit);
  }
  ApplyTls(node, index, defaults.root, rule);
  return rule;
}

void Apply(const YamlNode* section, DnsConfig& dns) {
  if (section == nullptr) return;
  if (const YamlNode* servers = section->Find("servers")) {
    for (const YamlNode& server : servers->children) {
      if (!server.valid) continue;
      absl::StatusOr<Endpoint> endpoint = ParseServer(server.text);
      LB_CHECK(endpoint.ok());
      dns.servers.push_back(*std::move(endpoint));
    }
  }
  Set(*section, "timeout", dns.timeout);
  Set(*section, "min_ttl", dns.min_ttl);
  Set(*section, "max_ttl", dns.max_ttl);
}

KubernetesConfig BuildKubernetes(const YamlNode* section) {
  KubernetesConfig kubernetes;
  if (section == nullptr) return kubernetes;
  if (const YamlNode* url = Value(*section, "api_server")) kubernetes.api_server = url->text;
  if (const YamlNode* file = Value(*section, "token_file")) kubernetes.token_file = file->text;
  if (const YamlNode* file = Value(*section, "ca_file")) kubernetes.ca_file = file->text;
  return kubernetes;
}

}  // namespace

std::string RuleField(size_t index) { return absl::StrCat("rules[", index, "]"); }

HealthCheckConfig BuildHealthCheck(const YamlNode* section) {
  HealthCheckConfig check;
  Apply(section, check);
  return check;
}

Config BuildConfig(const YamlNode& root) {
  Config config;
  const YamlNode* rate = root.Find("rate_limit");
  const YamlNode* bandwidth = root.Find("bandwidth_limit");
  const Defaults defaults{root, BuildHealthCheck(root.Find("health_check")),
                          LimitOf(rate, RateLimitConfig{}),
                          LimitOf(bandwidth, BandwidthLimitConfig{})};
  config.rate_limit = LimitWhereOn(rate, RateLimitConfig{});
  config.bandwidth_limit = LimitWhereOn(bandwidth, BandwidthLimitConfig{});
  if (const YamlNode* rules = root.Find("rules")) {
    config.rules.reserve(rules->children.size());
    for (size_t i = 0; i < rules->children.size(); ++i)
      config.rules.push_back(BuildRule(rules->children[i], i, defaults));
  }
  Apply(root.Find("dns"), config.dns);
  config.kubernetes = BuildKubernetes(root.Find("kubernetes"));
  if (const YamlNode* log = Value(root, "access_log"))
    if (NamesLog(log->text)) config.access_log = log->text;
  return config;
}

}  // namespace lb::controlplane
