#include "dataplane/control/metrics_page.h"

#include <set>

#include "base/sha256.h"
#include "dataplane/control/totals.h"
#include "dataplane/snapshot/balance_tables.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {
namespace {

using Type = MetricFamily::Type;

MetricFamily Counter(const char* name, const char* help) {
  return {.name = name, .help = help, .type = Type::kCounter, .samples = {}};
}
MetricFamily Gauge(const char* name, const char* help) {
  return {.name = name, .help = help, .type = Type::kGauge, .samples = {}};
}

double Value(uint64_t count) { return static_cast<double>(count); }

void AppendRules(const StateRegistry& registry, std::vector<MetricFamily>& families) {
  auto accepted = Counter("lb_rule_connections_total", "Client connections accepted.");
  auto open = Gauge("lb_rule_connections", "Client connections open now.");
  auto received = Counter("lb_rule_received_bytes_total", "Bytes from clients.");
  auto sent = Counter("lb_rule_sent_bytes_total", "Bytes to clients.");
  auto retries = Counter("lb_rule_retries_total", "Connects tried again on another backend.");
  auto queued = Gauge("lb_rule_queued", "Connections that wait for a backend's slot now.");
  auto waited = Counter("lb_rule_queued_total", "Connections that had to wait for a slot.");
  auto would_refuse =
      Counter("lb_limit_would_refuse_total", "Connections above a rate limit that only counts.");
  auto refused = Counter("lb_rule_refused_total", "Client connections refused, by reason.");
  auto routed = Counter("lb_rule_sni_connections_total",
                        "Connections by the SNI route that took them: its first name.");
  auto closed = Counter("lb_connections_closed_total", "Connections that ended, by reason.");
  for (const auto& state : registry.rules()) {
    const RuleTotals totals = Total(*state);
    const std::string& rule = state->name;
    accepted.Add({{"rule", rule}}, Value(totals.connections_total));
    open.Add({{"rule", rule}}, Value(totals.connections));
    received.Add({{"rule", rule}}, Value(totals.received_bytes));
    sent.Add({{"rule", rule}}, Value(totals.sent_bytes));
    retries.Add({{"rule", rule}}, Value(totals.retries));
    queued.Add({{"rule", rule}}, Value(totals.queued));
    waited.Add({{"rule", rule}}, Value(totals.queued_total));
    would_refuse.Add({{"rule", rule}}, Value(totals.would_refuse));
    for (const auto& [route, count] : totals.sni)
      routed.Add({{"rule", rule}, {"route", route}}, Value(count));
    for (size_t i = 0; i < totals.refused.size(); ++i) {
      refused.Add({{"rule", rule}, {"reason", ToString(static_cast<RefuseReason>(i))}},
                  Value(totals.refused[i]));
    }
    for (size_t i = 0; i < totals.closed.size(); ++i) {
      closed.Add({{"rule", rule}, {"reason", ToString(static_cast<CloseReason>(i))}},
                 Value(totals.closed[i]));
    }
  }
  for (MetricFamily* family : {&accepted, &open, &received, &sent, &retries, &queued, &waited,
                               &would_refuse, &refused, &routed, &closed}) {
    families.push_back(std::move(*family));
  }
}

void AppendBackends(const StateRegistry& registry, std::vector<MetricFamily>& families) {
  auto connects = Counter("lb_backend_connects_total", "Connects to the backend that were tried.");
  auto open = Gauge("lb_backend_connections", "Connections to the backend open now.");
  auto failures = Counter("lb_backend_connect_failures_total", "Connects that failed, by reason.");
  auto ports = Counter("lb_backend_ports_exhausted_total",
                       "Connects that found no free port at a source address.");
  auto sent = Counter("lb_backend_sent_bytes_total", "Bytes to the backend.");
  auto received = Counter("lb_backend_received_bytes_total", "Bytes from the backend.");
  auto up = Gauge("lb_backend_up", "1 unless the control plane found the backend unhealthy.");
  auto ejected = Gauge("lb_backend_ejected", "1 while outlier detection leaves the backend out.");
  auto ejections =
      Counter("lb_backend_ejections_total", "Times that outlier detection left the backend out.");
  for (const auto& state : registry.backends()) {
    const BackendTotals totals = Total(*state);
    const std::vector<std::pair<std::string, std::string>> labels = {{"rule", state->rule},
                                                                     {"backend", state->name}};
    connects.Add(labels, Value(totals.connects_total));
    open.Add(labels, Value(totals.connections));
    ports.Add(labels, Value(totals.ports_exhausted));
    sent.Add(labels, Value(totals.sent_bytes));
    received.Add(labels, Value(totals.received_bytes));
    up.Add(labels, state->usable.load() ? 1 : 0);
    ejected.Add(labels, totals.ejected ? 1 : 0);
    ejections.Add(labels, Value(totals.ejections));
    for (size_t i = 0; i < totals.connect_failures.size(); ++i) {
      auto with_reason = labels;
      with_reason.emplace_back("reason", ToString(static_cast<ConnectFailure>(i)));
      failures.Add(std::move(with_reason), Value(totals.connect_failures[i]));
    }
  }
  for (MetricFamily* family :
       {&connects, &open, &failures, &ports, &sent, &received, &up, &ejected, &ejections}) {
    families.push_back(std::move(*family));
  }
}

// The states of `tables` that have to do with TLS; those of others have no series about it.
struct TlsStates {
  explicit TlsStates(const Tables* tables) {
    if (tables == nullptr) return;
    for (const auto& rule : tables->rules) {
      if (rule->tls != nullptr) rules.insert(rule->state.get());
      if (rule->backend_tls == nullptr) continue;
      for (const BackendTable& backend : rule->backends) backends.insert(backend.state.get());
    }
  }

  std::set<const RuleState*> rules;
  std::set<const BackendState*> backends;
};

void AppendTls(const StateRegistry& registry, const Tables* tables,
               std::vector<MetricFamily>& families) {
  const TlsStates with_tls(tables);
  auto done = Counter("lb_tls_handshakes_total", "TLS handshakes with clients that were done.");
  auto resumed = Counter("lb_tls_resumed_handshakes_total", "Those that resumed a session.");
  auto under_way = Gauge("lb_tls_handshakes", "TLS handshakes with clients under way now.");
  auto failed = Counter("lb_tls_handshake_failures_total",
                        "TLS handshakes with clients that failed, by reason.");
  auto backend_done =
      Counter("lb_backend_tls_handshakes_total", "TLS handshakes with the backend that were done.");
  auto backend_resumed =
      Counter("lb_backend_tls_resumed_handshakes_total", "Those that resumed a session.");
  for (const auto& state : registry.rules()) {
    if (!with_tls.rules.contains(state.get())) continue;
    const RuleTotals totals = Total(*state);
    done.Add({{"rule", state->name}}, Value(totals.handshakes_total));
    resumed.Add({{"rule", state->name}}, Value(totals.resumed_handshakes_total));
    under_way.Add({{"rule", state->name}}, Value(totals.handshakes));
    for (size_t i = 0; i < totals.handshake_failures.size(); ++i)
      failed.Add({{"rule", state->name}, {"reason", ToString(static_cast<HandshakeFailure>(i))}},
                 Value(totals.handshake_failures[i]));
  }
  for (const auto& state : registry.backends()) {
    if (!with_tls.backends.contains(state.get())) continue;
    const BackendTotals totals = Total(*state);
    backend_done.Add({{"rule", state->rule}, {"backend", state->name}},
                     Value(totals.handshakes_total));
    backend_resumed.Add({{"rule", state->rule}, {"backend", state->name}},
                        Value(totals.resumed_handshakes_total));
  }
  for (MetricFamily* family :
       {&done, &resumed, &under_way, &failed, &backend_done, &backend_resumed})
    families.push_back(std::move(*family));
}

// What only the tables in force know: weights, and which backends are limited.
void AppendTables(const Tables& tables, Instant now, std::vector<MetricFamily>& families) {
  auto weight = Gauge("lb_backend_weight", "Share of new connections; 0 takes none.");
  auto granted =
      Gauge("lb_backend_slots_granted", "Connections this worker may have open to the backend.");
  auto held = Gauge("lb_backend_slots_held", "Connection slots of the backend in use now.");
  auto rule_granted =
      Gauge("lb_rule_slots_granted", "Client connections this worker may have open for the rule.");
  auto panic = Gauge("lb_rule_panic", "1 while so few backends are healthy that all are used.");
  for (const auto& rule : tables.rules) {
    panic.Add({{"rule", rule->name}}, InPanic(*rule, now) ? 1 : 0);
    if (rule->limited)
      rule_granted.Add({{"rule", rule->name}}, Value(rule->state->slots.granted()));
    for (const BackendTable& backend : rule->backends) {
      const std::vector<std::pair<std::string, std::string>> labels = {{"rule", rule->name},
                                                                       {"backend", backend.name}};
      weight.Add(labels, backend.weight);
      if (!backend.limited) continue;
      granted.Add(labels, Value(backend.state->slots.granted()));
      held.Add(labels, Value(backend.state->slots.held()));
    }
  }
  for (MetricFamily* family : {&weight, &granted, &held, &rule_granted, &panic})
    families.push_back(std::move(*family));
}

void AppendRateLimiters(const RateLimiters& limiters, std::vector<MetricFamily>& families) {
  auto hot = Gauge("lb_limit_hot_clients", "Clients with a budget of their own in this worker.");
  auto room = Gauge("lb_limit_clients_max", "Clients in debt that the limit has room for.");
  auto pushed_out = Counter("lb_limit_forced_evictions_total",
                            "Clients in debt that gave way to a new one: the table is full.");
  auto refused = Counter("lb_limit_hot_clients_refused_total",
                         "Times that a busy client found no room among those with budgets.");
  auto expired = Counter("lb_limit_budget_expired_total",
                         "Budgets that the control plane did not renew in time.");
  for (const auto& [rule, named] : limiters.in_force()) {
    const bool shared = rule.empty() || rule == RateLimiters::kIdentities;
    const std::string name = shared ? "*" + rule : rule;
    hot.Add({{"rule", name}}, Value(named.limiter->hot_clients()));
    refused.Add({{"rule", name}}, Value(named.limiter->refused_hot_clients()));
    room.Add({{"rule", name}}, Value(named.limiter->capacity()));
    pushed_out.Add({{"rule", name}}, Value(named.limiter->pushed_out()));
    expired.Add({{"rule", name}}, Value(named.limiter->expired_budgets()));
  }
  for (MetricFamily* family : {&hot, &refused, &room, &pushed_out, &expired})
    families.push_back(std::move(*family));
}

void AppendBandwidths(const Bandwidths& bandwidths, std::vector<MetricFamily>& families) {
  auto clients = Gauge("lb_bandwidth_clients", "Clients whose bandwidth this worker keeps.");
  auto throttled = Gauge("lb_bandwidth_throttled_clients",
                         "Clients that had to wait for their turn in the last second.");
  auto not_kept = Counter("lb_bandwidth_not_kept_total",
                          "Connections of new clients that were limited each by itself.");
  for (const auto& [rule, limit] : bandwidths.in_force().clients) {
    const std::string name = rule == Bandwidths::kShared ? "*" : rule;
    clients.Add({{"rule", name}}, Value(limit.buckets->clients()));
    throttled.Add({{"rule", name}}, Value(limit.buckets->throttled()));
    not_kept.Add({{"rule", name}}, Value(limit.buckets->not_kept()));
  }
  auto backend = Gauge("lb_backend_throttled",
                       "1 while connections to the backend wait for their turn at its bandwidth.");
  for (const auto& [name, limit] : bandwidths.in_force().backends)
    backend.Add({{"rule", name.first}, {"backend", name.second}}, limit.buckets->throttled ? 1 : 0);
  for (MetricFamily* family : {&clients, &throttled, &not_kept, &backend})
    families.push_back(std::move(*family));
}

void AppendConfig(const ConfigLane& config, std::vector<MetricFamily>& families) {
  if (const auto& running = config.running()) {
    auto epoch = Gauge("lb_config_epoch", "Epoch of the configuration in force.");
    epoch.Add({}, Value(running->epoch()));
    auto revision = Gauge("lb_config_revision", "Version in force, as lbctl get workers shows it.");
    revision.Add({}, Value(running->revision()));
    auto info = Gauge("lb_config_info", "The configuration in force.");
    info.Add({{"digest", ToHex(running->digest())}}, 1);
    for (MetricFamily* family : {&epoch, &revision, &info}) families.push_back(std::move(*family));
  }
  auto applies = Counter("lb_config_applies_total", "Configurations put in force.");
  applies.Add({}, Value(config.applies_total()));
  auto refused = Counter("lb_config_apply_failures_total", "Configurations refused, by reason.");
  for (const auto& [reason, count] : config.refused_total()) {
    refused.Add({{"reason", reason}}, Value(count));
  }
  families.push_back(std::move(applies));
  families.push_back(std::move(refused));
}

void AppendGauges(const WorkerGauges& gauges, std::vector<MetricFamily>& families) {
  auto connected = Gauge("lb_controlplane_connected", "1 while the control plane is connected.");
  connected.Add({}, gauges.connected ? 1 : 0);
  auto reconnects =
      Counter("lb_controlplane_reconnects_total", "Streams to the control plane that ended.");
  reconnects.Add({}, Value(gauges.reconnects_total));
  auto draining = Gauge("lb_worker_draining", "1 while this worker takes no new connections.");
  draining.Add({}, gauges.draining ? 1 : 0);
  auto restored = Gauge("lb_worker_configuration_restored",
                        "1 while this worker runs with what a process before it left.");
  restored.Add({}, gauges.restored ? 1 : 0);
  auto open = Gauge("lb_worker_connections", "Client connections open now, removed rules too.");
  open.Add({}, Value(gauges.connections));
  auto threads = Gauge("lb_thread_connections", "Client connections open now, by I/O thread.");
  for (size_t i = 0; i < gauges.thread_connections.size(); ++i)
    threads.Add({{"thread", std::to_string(i)}}, Value(gauges.thread_connections[i]));
  auto errors = Counter("lb_accept_errors_total", "Errors of accept, by errno name.");
  for (const auto& [error, count] : gauges.accept_errors) {
    errors.Add({{"error", error}}, Value(count));
  }
  auto lines = Counter("lb_access_log_lines_total", "Lines of the access log that were written.");
  lines.Add({}, Value(gauges.access_log_lines));
  auto dropped = Counter("lb_access_log_dropped_total",
                         "Lines of the access log that found no room, or no file to write to.");
  dropped.Add({}, Value(gauges.access_log_dropped));
  for (MetricFamily* family : {&connected, &reconnects, &draining, &restored, &open, &threads,
                               &errors, &lines, &dropped}) {
    families.push_back(std::move(*family));
  }
}

}  // namespace

std::vector<MetricFamily> WorkerMetrics(const StateRegistry& registry, const ConfigLane& config,
                                        const WorkerGauges& gauges) {
  std::vector<MetricFamily> families;
  AppendRules(registry, families);
  AppendBackends(registry, families);
  AppendTls(registry, config.tables().get(), families);
  if (config.tables() != nullptr) AppendTables(*config.tables(), gauges.now, families);
  AppendRateLimiters(registry.rate_limiters(), families);
  AppendBandwidths(registry.bandwidths(), families);
  AppendConfig(config, families);
  AppendGauges(gauges, families);
  return families;
}

}  // namespace lb::dataplane
