// The configuration as typed values: what lb.yaml says, with every default filled in.
//
// Made by Load() (load.h), which refuses anything out of range, so holders need not check again.
// Plain values; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cidr.h"
#include "base/endpoint.h"
#include "controlplane/config/balance_config.h"
#include "controlplane/config/cluster_config.h"
#include "controlplane/config/kubernetes_config.h"
#include "controlplane/config/outlier_config.h"
#include "controlplane/config/tls_config.h"

namespace lb::controlplane {

struct BackendConfig {
  std::string name;  // Unique within the rule; by default the address as written, '/' as '_'.
  Endpoint address;  // May be a DNS or SRV name.
  uint32_t weight = 1;
  std::optional<uint64_t> max_connections;  // Overrides the rule's backend_connection_limit.
  bool backup = false;
  uint32_t sni_route = 0;  // 1 is the rule's first; 0: clients that no route takes.
  // Its endpoints are meant, whatever `address` says.
  std::optional<ServiceRef> service{};

  // Whether its addresses are asked of DNS.
  bool IsName() const { return !service && !address.IsResolved(); }
  // Where it is, as one may write it.
  std::string Place() const { return service ? service->ToString() : address.ToString(); }

  friend bool operator==(const BackendConfig&, const BackendConfig&) = default;
};

struct TimeoutsConfig {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds idle{600'000};
  std::chrono::milliseconds half_close{30'000};
  std::chrono::milliseconds handshake{10'000};  // What a client must send first.

  friend bool operator==(const TimeoutsConfig&, const TimeoutsConfig&) = default;
};

// The form of a PROXY header.
enum class ProxyVersion { kNone, kV1, kV2 };

struct ProxyProtocolConfig {
  bool accept = false;        // Clients send a header.
  std::vector<Cidr> from;     // These clients; empty: all.
  bool refuse_others = true;  // Clients that are not in `from`; else they are taken as they are.
  ProxyVersion send = ProxyVersion::kNone;  // To backends.

  friend bool operator==(const ProxyProtocolConfig&, const ProxyProtocolConfig&) = default;
};

struct HealthCheckConfig {
  enum class Protocol { kTcp, kHttp, kTls, kGrpc };

  bool enabled = false;
  Protocol protocol = Protocol::kTcp;
  std::string path = "/";  // HTTP only.
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds timeout{1'000};
  uint32_t rise = 2;
  uint32_t fall = 3;
  uint32_t expect_status = 200;         // HTTP only.
  std::optional<uint16_t> port;         // Checked instead of the backend's own port.
  std::optional<CheckTlsConfig> tls{};  // Absent: plain.
  std::string grpc_service{};           // gRPC only; empty: the whole server.
  // Sent first to a backend's own port, where the rule's connections send one: not a key itself.
  ProxyVersion proxy_header = ProxyVersion::kNone;

  friend bool operator==(const HealthCheckConfig&, const HealthCheckConfig&) = default;
};

// Where connections wait while every usable backend is at its limit; first in, first out.
struct QueueConfig {
  uint32_t max = 1'000;  // Waiting at once in one worker.
  std::chrono::milliseconds timeout{5'000};

  friend bool operator==(const QueueConfig&, const QueueConfig&) = default;
};

// New connections of one client, over all workers of the host.
struct RateLimitConfig {
  enum class Enforce { kOn, kShadow, kOff };
  enum class OnRefuse { kReset, kClose };

  double requests_per_second = 1;
  std::optional<double> burst{};  // Absent: see Burst.
  uint32_t ipv4_prefix = 32;
  uint32_t ipv6_prefix = 64;
  Enforce enforce = Enforce::kOn;
  OnRefuse on_refuse = OnRefuse::kReset;
  uint64_t max_clients = 1'000'000;
  bool client_cert = false;  // Each identity of a client certificate has a second bucket.

  // Connections at once after a quiet time: what is configured, else those of a second.
  double Burst() const { return burst.value_or(requests_per_second); }

  friend bool operator==(const RateLimitConfig&, const RateLimitConfig&) = default;
};

// Bytes that pass per second; 0: no limit.
struct BandwidthRatesConfig {
  uint64_t upload_bytes_per_s = 0;
  uint64_t download_bytes_per_s = 0;
  std::optional<uint64_t> burst_bytes{};  // Absent: see BurstOf.

  // Bytes at once after a quiet time, of a direction with this rate: what is configured, else those
  // of a quarter of a second, at least 64 KiB.
  uint64_t BurstOf(uint64_t bytes_per_s) const;

  friend bool operator==(const BandwidthRatesConfig&, const BandwidthRatesConfig&) = default;
};

struct BandwidthLimitConfig {
  BandwidthRatesConfig client;
  BandwidthRatesConfig backend;
  bool shared = false;  // Over all hosts of the cluster, not over the workers of this one.

  friend bool operator==(const BandwidthLimitConfig&, const BandwidthLimitConfig&) = default;
};

struct RuleConfig {
  std::string name;
  Endpoint listen;                      // An IP address and port.
  std::vector<BackendConfig> backends;  // As written; those of routes follow.
  std::optional<uint64_t> backend_connection_limit;
  bool share_backend_limits = false;  // Limits of its backends are over all hosts of the cluster.
  std::optional<uint64_t> max_connections;  // Client connections, over all workers of the host.
  std::optional<uint64_t> max_connections_per_client{};  // Likewise, of each client.
  std::optional<QueueConfig> queue;                      // Absent: nobody waits.
  std::vector<Endpoint> source;  // IP, port 0; as written. Empty: the kernel chooses.
  // Clients; the longest network decides. No network is in both lists.
  std::vector<Cidr> allow;  // As written. Empty: those who are not in `deny`.
  std::vector<Cidr> deny;
  ProxyProtocolConfig proxy_protocol;
  TimeoutsConfig timeouts;
  HealthCheckConfig health_check;  // The top level's, replaced key by key.
  uint32_t connect_attempts = 3;
  BalanceConfig balance;
  std::optional<OutlierConfig> outlier_detection;  // Absent: off.
  // In which connections of a backend that is drained or removed are closed; 0: they stay.
  std::chrono::milliseconds drain_timeout{0};
  // The rule's own limit, the top level's replaced key by key. Absent: see own_rate_limit.
  std::optional<RateLimitConfig> rate_limit{};
  bool own_rate_limit = false;  // The top level's does not count here, even if there is no own one.
  bool access_log = true;       // False: no line of its connections, whatever the top level says.
  // The rule's own limit, likewise.
  std::optional<BandwidthLimitConfig> bandwidth_limit{};
  bool own_bandwidth_limit = false;
  std::optional<TlsConfig> tls{};  // The top level's, replaced key by key; absent: none is ended.
  std::optional<BackendTlsConfig> backend_tls{};  // Likewise; absent: plain.
  std::vector<SniRouteConfig> sni_routes{};       // As written; not together with `tls`.

  friend bool operator==(const RuleConfig&, const RuleConfig&) = default;
};

struct DnsConfig {
  std::vector<Endpoint> servers;  // Empty: what /etc/resolv.conf says.
  std::chrono::milliseconds timeout{2'000};
  // Bounds on how long an answer is kept, whatever its TTL says.
  std::chrono::milliseconds min_ttl{1'000};
  std::chrono::milliseconds max_ttl{300'000};

  friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

struct Config {
  std::vector<RuleConfig> rules;  // As written; names are unique.
  DnsConfig dns;
  std::optional<RateLimitConfig> rate_limit{};            // Of all rules without their own.
  std::optional<BandwidthLimitConfig> bandwidth_limit{};  // Likewise.
  std::string access_log{};                // "stdout", "stderr" or an absolute path; empty: none.
  std::optional<ClusterConfig> cluster{};  // Absent: this host is in none.
  KubernetesConfig kubernetes{};

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lb::controlplane
