#include "controlplane/plan/fields.h"

#include <chrono>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/sha256.h"
#include "controlplane/plan/tls_fields.h"

namespace lb::controlplane {
namespace {

constexpr char kNewConnections[] = "for new connections; open ones keep what they started with";
constexpr char kLimit[] = "for new connections; none that is open is closed";
constexpr size_t kMaxNetworksShown = 8;
constexpr size_t kShownDigestBytes = 6;
constexpr char kPaces[] = "within a tenth of a second, for open connections too";
constexpr char kLooks[] = "for the next look at each name";
constexpr char kChecks[] = "for the next health check; no connection is touched";

std::string Ms(std::chrono::milliseconds value) { return absl::StrCat(value.count(), "ms"); }

template <typename Number>
std::string OrNone(const std::optional<Number>& value) {
  return value ? absl::StrCat(*value) : "";
}

std::string Percent(const std::optional<uint32_t>& value) {
  return value ? absl::StrCat(*value, "%") : "";
}

std::string List(const std::vector<Endpoint>& endpoints) {
  return absl::StrJoin(endpoints, ", ", [](std::string* out, const Endpoint& endpoint) {
    absl::StrAppend(out, endpoint.ToString());
  });
}

// A few networks as they are; of many, how many and a digest.
std::string List(const std::vector<Cidr>& networks) {
  const std::string all = absl::StrJoin(networks, ", ", [](std::string* out, const Cidr& network) {
    absl::StrAppend(out, network.ToString());
  });
  if (networks.size() <= kMaxNetworksShown) return all;
  const std::string digest = Sha256(all).substr(0, kShownDigestBytes);
  return absl::StrCat(networks.size(), " networks, ", absl::BytesToHexString(digest));
}

std::string Accept(const ProxyProtocolConfig& proxy) {
  if (!proxy.accept) return "false";
  if (proxy.from.empty()) return "true";
  return absl::StrCat("from ", List(proxy.from),
                      proxy.refuse_others ? ", required" : ", others as they are");
}

std::string Send(ProxyVersion version) {
  if (version == ProxyVersion::kNone) return "";
  return version == ProxyVersion::kV1 ? "v1" : "v2";
}

// The limit in one line; empty when there is none and none is said.
std::string Text(const std::optional<RateLimitConfig>& limit, bool said) {
  if (!limit) return said ? "off" : "";
  const char* enforce = limit->enforce == RateLimitConfig::Enforce::kOn       ? ""
                        : limit->enforce == RateLimitConfig::Enforce::kShadow ? ", shadow"
                                                                              : ", off";
  const char* refuse = limit->on_refuse == RateLimitConfig::OnRefuse::kClose ? ", close" : "";
  const char* cert = limit->client_cert ? " and client certificate" : "";
  return absl::StrCat(limit->requests_per_second, "/s, burst ", limit->Burst(), ", per /",
                      limit->ipv4_prefix, " and /", limit->ipv6_prefix, cert, ", ",
                      limit->max_clients, " clients", enforce, refuse);
}

const char* ProtocolName(HealthCheckConfig::Protocol protocol) {
  switch (protocol) {
    case HealthCheckConfig::Protocol::kTcp:
      return "tcp";
    case HealthCheckConfig::Protocol::kHttp:
      return "http";
    case HealthCheckConfig::Protocol::kTls:
      return "tls";
    case HealthCheckConfig::Protocol::kGrpc:
      return "grpc";
  }
  LB_CHECK(false);
}

std::string Text(const std::optional<OutlierConfig>& outlier) {
  if (!outlier) return "";
  const bool slow = outlier->max_connect_time.count() > 0;
  return absl::StrCat(
      outlier->failures, " failures, ", Ms(outlier->ejection_time), ", at most ",
      outlier->max_ejected_percent, "%",
      slow ? absl::StrCat(", connects within ", Ms(outlier->max_connect_time)) : "");
}

void Append(std::string& text, const char* of, const char* way, uint64_t bytes_per_s,
            const BandwidthRatesConfig& rates) {
  if (bytes_per_s == 0) return;
  absl::StrAppend(&text, text.empty() ? "" : ", ", of, " ", way, " ", bytes_per_s, " B/s, burst ",
                  rates.BurstOf(bytes_per_s));
}

// The limit in one line; empty when there is none and none is said.
std::string Text(const std::optional<BandwidthLimitConfig>& limit, bool said) {
  if (!limit) return said ? "off" : "";
  std::string text;
  const BandwidthRatesConfig& client = limit->client;
  const BandwidthRatesConfig& backend = limit->backend;
  Append(text, "client", "up", client.upload_bytes_per_s, client);
  Append(text, "client", "down", client.download_bytes_per_s, client);
  Append(text, "backend", "up", backend.upload_bytes_per_s, backend);
  Append(text, "backend", "down", backend.download_bytes_per_s, backend);
  if (limit->shared) absl::StrAppend(&text, ", over all hosts");
  return text;
}

}  // namespace

std::vector<Field> FieldsOf(const RuleConfig& rule) {
  const HealthCheckConfig& check = rule.health_check;
  std::vector<Field> fields = {
      {"listen", rule.listen.ToString(),
       "clients find the rule at another address; open connections of the old one go on until they "
       "end"},
      {"backend_connection_limit", OrNone(rule.backend_connection_limit), kLimit},
      {"backend_connection_limit.scope", rule.share_backend_limits ? "cluster" : "node", kLimit},
      {"max_connections", OrNone(rule.max_connections), kLimit},
      {"max_connections_per_client", OrNone(rule.max_connections_per_client), kLimit},
      {"queue.max", rule.queue ? absl::StrCat(rule.queue->max) : "", kNewConnections},
      {"queue.timeout", rule.queue ? Ms(rule.queue->timeout) : "", kNewConnections},
      {"source", List(rule.source), kNewConnections},
      {"allow", List(rule.allow), kNewConnections},
      {"deny", List(rule.deny), kNewConnections},
      {"proxy_protocol.accept", Accept(rule.proxy_protocol), kNewConnections},
      {"proxy_protocol.send", Send(rule.proxy_protocol.send), kNewConnections},
      {"timeouts.connect", Ms(rule.timeouts.connect), kNewConnections},
      {"timeouts.idle", Ms(rule.timeouts.idle), kNewConnections},
      {"timeouts.half_close", Ms(rule.timeouts.half_close), kNewConnections},
      {"timeouts.handshake", Ms(rule.timeouts.handshake), kNewConnections},
      {"access_log", rule.access_log ? "true" : "false", kNewConnections},
      {"bandwidth_limit", Text(rule.bandwidth_limit, rule.own_bandwidth_limit), kPaces},
      {"connect_attempts", absl::StrCat(rule.connect_attempts), kNewConnections},
      {"balance", ToString(rule.balance.algorithm), kNewConnections},
      {"hash_balance_factor", Percent(rule.balance.hash_balance_percent), kNewConnections},
      {"panic_threshold", Percent(rule.balance.panic_threshold_percent), kNewConnections},
      {"slow_start", rule.balance.slow_start.count() > 0 ? Ms(rule.balance.slow_start) : "",
       "for backends that come back or are added"},
      {"drain_timeout", rule.drain_timeout.count() > 0 ? Ms(rule.drain_timeout) : "",
       "for backends that are drained or removed from now on"},
      {"outlier_detection", Text(rule.outlier_detection),
       "at once; turned off, those that are left out are used again"},
      {"health_check.enabled", check.enabled ? "true" : "false", kChecks},
      {"health_check.protocol", ProtocolName(check.protocol), kChecks},
      {"health_check.path", check.path, kChecks},
      {"health_check.interval_ms", Ms(check.interval), kChecks},
      {"health_check.timeout_ms", Ms(check.timeout), kChecks},
      {"health_check.rise", absl::StrCat(check.rise), kChecks},
      {"health_check.fall", absl::StrCat(check.fall), kChecks},
      {"health_check.expect_status", absl::StrCat(check.expect_status), kChecks},
      {"health_check.port", OrNone(check.port), kChecks},
  };
  for (const std::vector<Field>& more : {FieldsOfCheckTls(check, kChecks), FieldsOfTls(rule)})
    fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

// Buckets are those of one owner, of one form: see dataplane/limit/rate_limiters.h.
const char* EffectOfRateLimit(const RateLimitOwner& from, const RateLimitOwner& to) {
  if (!to.limit) return "at once; its buckets refuse nobody any more";
  if (from.own != to.own)
    return to.own ? "at once; it has buckets of its own, which begin full"
                  : "at once; its clients meet the buckets of all rules without their own";
  if (!from.limit) return "at once; every bucket begins full";
  const bool same_form = from.limit->ipv4_prefix == to.limit->ipv4_prefix &&
                         from.limit->ipv6_prefix == to.limit->ipv6_prefix &&
                         from.limit->max_clients == to.limit->max_clients;
  if (!same_form) return "at once; the buckets are made anew, and every one begins full";
  return "at once; every client keeps the tokens in its bucket";
}

Field FieldOf(const char* name, const RateLimitOwner& owner, const char* effect) {
  return {name, Text(owner.limit, owner.own), effect};
}

std::vector<Field> FieldsOfBandwidth(const Config& config) {
  return {{"limit", Text(config.bandwidth_limit, false), kPaces}};
}

std::vector<Field> FieldsOf(const BackendConfig& backend) {
  return {
      {"address", backend.Place(),
       "new connections go to the new address; open ones stay at the old one until they end"},
      {"weight", absl::StrCat(backend.weight), kNewConnections},
      {"max_connections", OrNone(backend.max_connections), kLimit},
      {"backup", backend.backup ? "true" : "false", kNewConnections},
      {"sni", backend.sni_route == 0 ? "" : absl::StrCat("route ", backend.sni_route),
       kNewConnections},
  };
}

std::vector<Field> FieldsOfAccessLog(const Config& config) {
  return {
      {"destination", config.access_log, "for connections that end from then on; none is touched"}};
}

std::vector<Field> FieldsOf(const KubernetesConfig& kubernetes) {
  static constexpr char kWatches[] =
      "Services are watched anew; what is known of them stays meanwhile";
  return {
      {"api_server", kubernetes.api_server, kWatches},
      {"token_file", kubernetes.token_file, kWatches},
      {"ca_file", kubernetes.ca_file, kWatches},
  };
}

std::vector<Field> FieldsOf(const DnsConfig& dns) {
  return {
      {"servers", List(dns.servers), kLooks},
      {"timeout", Ms(dns.timeout), kLooks},
      {"min_ttl", Ms(dns.min_ttl), kLooks},
      {"max_ttl", Ms(dns.max_ttl), kLooks},
  };
}

}  // namespace lb::controlplane
