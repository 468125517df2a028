// The worker's immutable tables: what one snapshot says, laid out for reading.
//
// Made on the control thread by BuildTables (build_tables.h), which checks everything again, then
// shared by all I/O threads as shared_ptr<const Tables>. What lives longer than a snapshot (slots,
// health, counters) is in BackendState and RuleState, which are the same objects in every snapshot
// that names the same rule and backend.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "dataplane/access/access_list.h"
#include "dataplane/balance/algorithm.h"
#include "dataplane/balance/hash_tables.h"
#include "dataplane/limit/bandwidths.h"
#include "dataplane/limit/client_limits.h"
#include "dataplane/limit/rate_limiters.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/snapshot/proxy_table.h"
#include "dataplane/snapshot/sni_table.h"

namespace lb::dataplane {
namespace tls {
class ClientContext;
class ServerContext;
}  // namespace tls

struct BackendTable {
  std::string name;
  std::string server_name{};  // That its certificate must have; empty: none is asked for.
  Endpoint endpoint;
  SocketAddress address;
  uint32_t weight = 1;
  bool limited = false;  // Connections need a slot.
  bool backup = false;
  bool draining = false;   // By an operator.
  uint32_t sni_route = 0;  // Whose clients it takes, see sni_table.h.
  // The bandwidth of all connections to it together; nullptr: not limited.
  std::shared_ptr<BucketPair> bandwidth{};
  std::shared_ptr<BackendState> state;
};

// How a rule chooses backends, see dataplane/balance.
struct BalanceTable {
  Algorithm algorithm = Algorithm::kWeightedRoundRobin;
  double hash_bound_ratio = 0;       // 0: no bound.
  double panic_threshold_ratio = 0;  // 0: never.
  uint64_t slow_start_ms = 0;        // 0: the full share at once.
  HashTables hash_tables;            // Of the backends; empty unless the algorithm hashes.
};

// When a backend is left out for a while, see dataplane/outlier.
struct OutlierSettings {
  uint32_t failures = 0;  // In a row; 0: outliers are not detected.
  Duration ejection_time{0};
  uint32_t max_ejected_percent = 0;  // Of the backends with a weight.
  Duration max_connect_time{0};      // A connect that took longer is a failure; 0: none is.

  bool on() const { return failures > 0; }
  friend bool operator==(const OutlierSettings&, const OutlierSettings&) = default;
};

struct RuleTable {
  std::string name;
  Endpoint listen;
  std::vector<BackendTable> backends;  // Sorted by name.
  uint64_t connect_timeout_ms = 0;
  uint64_t idle_timeout_ms = 0;
  uint64_t half_close_timeout_ms = 0;
  uint32_t connect_attempts = 1;
  bool limited = false;  // Client connections need a slot of the rule.
  // Connections that may wait in this worker while every usable backend is at its limit; 0: none.
  uint32_t queue_max = 0;
  uint64_t queue_timeout_ms = 0;
  // Local addresses to connect from, port 0, in this order; empty: the kernel chooses.
  std::vector<SocketAddress> sources;
  std::shared_ptr<const AccessList> access;  // Of clients; nullptr: all may connect.
  std::shared_ptr<const ProxyTable> proxy;   // nullptr: no PROXY header is read or sent.
  BalanceTable balance;
  OutlierSettings outlier;
  uint64_t drain_timeout_ms = 0;  // 0: connections of backends that are out stay.
  // The bandwidth of each of its clients; nullptr: not limited.
  std::shared_ptr<ClientBuckets> client_bandwidth;
  // The rate limit of its clients; nullptr: none.
  std::shared_ptr<RateLimiter> rate_limiter;
  // The same of the identities in their certificates, and where those are noted; nullptr: none.
  std::shared_ptr<RateLimiter> identity_limiter;
  std::shared_ptr<ClientNames> identities;
  bool rate_limit_counts_only = false;  // Nobody is refused by it.
  bool rate_limit_closes = false;       // Who is refused sees an end, not a reset.
  // The open connections of each of its clients; nullptr: not limited.
  std::shared_ptr<ClientConnections> client_connections;
  bool access_log_off = false;
  std::shared_ptr<const tls::ServerContext> tls;  // Towards clients; nullptr: plain.
  uint64_t tls_handshake_timeout_ms = 0;
  std::shared_ptr<const tls::ClientContext> backend_tls;  // Towards backends; nullptr: plain.
  uint64_t backend_handshake_timeout_ms = 0;
  bool pass_sni = false;  // The name that the client asked for goes before BackendTable's.
  // Where clients go by the name that they ask for; nullptr: to all backends alike. With it this
  // table sends nobody: those of the routes do, each with backends of its own.
  std::shared_ptr<const SniTable> sni;
  uint64_t client_hello_timeout_ms = 0;  // For a whole ClientHello; with `sni`.
  std::shared_ptr<RuleState> state;
  // Of the table of a route, else nullptr.
  std::shared_ptr<RouteState> route;

  // Where clients wait for the backends.
  Line& line() const { return route != nullptr ? static_cast<Line&>(*route) : *state; }
  // Connections that are open to the backends, or about to be.
  uint64_t Connections() const {
    return route != nullptr ? route->connections() : state->slots.held();
  }
  // The route whose clients this rule's table sends to the backend; nullptr: it has no routes.
  const RouteState* RouteOf(const BackendTable& backend) const {
    return sni == nullptr ? nullptr : sni->routes[backend.sni_route]->route.get();
  }
  // True when a newer table gave the backend to other clients than those of this one.
  bool HasMoved(const BackendTable& backend) const {
    return backend.state->route.load() != route.get();
  }

  // True when a connection to this backend has to keep to a bandwidth limit.
  bool Throttles(size_t backend) const {
    return client_bandwidth != nullptr || backends[backend].bandwidth != nullptr;
  }
};

struct Tables {
  std::vector<std::shared_ptr<const RuleTable>> rules;  // Sorted by name.
  RateLimiters::ByRule rate_limiters;
  std::string access_log;  // "stdout", "stderr" or an absolute path; empty: none.
  Bandwidths::Wanted bandwidths;
  ClientLimits::ByRule client_limits;
};

}  // namespace lb::dataplane
