// The configuration with its DNS names replaced by what they resolve to: what is checked, limited
// and sent to workers.
//
// Plain values, sorted by name so that the same input gives the same bytes. Threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "controlplane/config/config.h"
#include "controlplane/discovery/service_endpoint.h"
#include "controlplane/snapshot/backend_key.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

// The last good answer for each kName and kSrv endpoint; a missing one is not known yet.
using Addresses = std::map<Endpoint, std::vector<Endpoint>>;

struct LiveBackend {
  // The configured one, or NAME@IP:PORT for an address of a DNS name or an endpoint of a Service,
  // or NAME@POD for one of a pod.
  std::string name;
  Endpoint address;              // IP or unix.
  uint32_t weight = 1;           // In force.
  uint64_t max_connections = 0;  // See LiveRule::share_backend_limits; 0: no limit.
  std::string check_host;        // The configured host: the Host header of HTTP checks.
  uint32_t configured_weight = 1;
  uint32_t weight_percent = 100;  // Of the configured weight, exactly; `weight` is rounded.
  type::v1::AdminState admin_state = type::v1::ADMIN_STATE_READY;
  bool backup = false;
  std::string server_name{};  // That its certificate must have; empty: none is asked for.
  uint32_t sni_route = 0;     // As in BackendConfig.
  bool ending = false;        // Its pod ends, and others are ready: drained whatever is set.

  friend bool operator==(const LiveBackend&, const LiveBackend&) = default;
};

// A configured DNS name without any answer yet, or a Service of which nothing is known: no
// connection can go there.
struct UnresolvedBackend {
  std::string name;  // The configured one.
  Endpoint address;  // kName or kSrv, unless it is a Service.
  uint32_t weight = 1;
  uint32_t sni_route = 0;               // As in BackendConfig.
  std::optional<ServiceRef> service{};  // Likewise.

  // As configured.
  std::string Place() const { return service ? service->ToString() : address.ToString(); }

  friend bool operator==(const UnresolvedBackend&, const UnresolvedBackend&) = default;
};

struct LiveRule {
  std::string name;
  Endpoint listen;
  TimeoutsConfig timeouts;
  HealthCheckConfig health_check;
  uint32_t connect_attempts = 3;
  uint64_t max_connections = 0;  // Of clients, over all workers of the host; 0: no limit.
  uint64_t max_connections_per_client = 0;  // Likewise, of each.
  // Limits of backends are over all hosts of the cluster, else over all workers of this one.
  bool share_backend_limits = false;
  std::optional<QueueConfig> queue;
  std::optional<RateLimitConfig> rate_limit;  // The rule's own, or the top level's.
  bool own_rate_limit = false;
  std::optional<BandwidthLimitConfig> bandwidth_limit{};  // Likewise.
  bool own_bandwidth_limit = false;
  std::vector<Endpoint> source;  // Addresses to connect from, best first; port 0.
  std::vector<Cidr> allow{};     // Clients, as configured.
  std::vector<Cidr> deny{};
  ProxyProtocolConfig proxy_protocol{};
  std::vector<LiveBackend> backends;            // Sorted by name; names are unique.
  std::vector<UnresolvedBackend> unresolved{};  // Sorted by name.
  BalanceConfig balance{};
  std::optional<OutlierConfig> outlier_detection{};
  std::chrono::milliseconds drain_timeout{0};  // 0: connections of backends that are out stay.
  std::string access_log{};                    // Of all rules; empty: none.
  bool access_log_off = false;
  std::optional<TlsConfig> tls{};
  std::optional<BackendTlsConfig> backend_tls{};
  std::vector<SniRouteConfig> sni_routes{};

  friend bool operator==(const LiveRule&, const LiveRule&) = default;
};

// Sorted by name.
using LiveRules = std::vector<LiveRule>;

// Replaces names by addresses and Services by endpoints. A name without an answer has no backends.
// Where the name made for an address is that of a configured backend, the configured one stays.
LiveRules Expand(const Config& config, const Addresses& addresses, const Services& services = {});

// Returns the kName and kSrv endpoints of `config`, sorted, each once.
std::vector<Endpoint> NamesInUse(const Config& config);

// Returns the rule of that name, or nullptr.
const LiveRule* FindRule(const LiveRules& rules, const std::string& name);
// Returns the backend of that name, or nullptr.
const LiveBackend* FindBackend(const LiveRule& rule, const std::string& name);

}  // namespace lb::controlplane
