#include "dataplane/snapshot/build_tables.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/snapshot/balance_tables.h"
#include "dataplane/snapshot/check_snapshot.h"
#include "dataplane/snapshot/client_tables.h"
#include "dataplane/snapshot/outlier_table.h"
#include "dataplane/snapshot/same_rule.h"
#include "dataplane/snapshot/sni_routes.h"
#include "dataplane/snapshot/sni_table.h"
#include "dataplane/snapshot/tls_tables.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

BackendTable MakeBackend(const std::string& rule, const type::Backend& backend,
                         StateRegistry& registry) {
  BackendTable table;
  table.name = backend.name();
  table.endpoint = Endpoint::Parse(backend.address()).value();
  table.address = table.endpoint.ToSocketAddress();
  table.weight = backend.weight();
  table.limited = backend.max_connections() != 0;
  table.backup = backend.backup();
  table.draining = backend.draining();
  table.server_name = backend.server_name();
  table.sni_route = backend.sni_route();
  table.state = registry.FindOrMakeBackend({rule, backend.name()});
  return table;
}

// Finds or makes the limiter that `limit` describes and adds it to those in force; none when the
// limit is off.
std::shared_ptr<RateLimiter> MakeLimiter(const std::string& name, const type::RateLimit& limit,
                                         const StateRegistry& registry,
                                         RateLimiters::ByRule& limiters) {
  if (limit.enforce() == type::RateLimit::ENFORCE_OFF) return nullptr;
  if (const auto made = limiters.find(name); made != limiters.end()) return made->second.limiter;
  const RateLimiter::Settings settings{.rate_per_s = limit.rate_per_s(),
                                       .burst = limit.burst(),
                                       .prefix_lengths = {limit.ipv4_prefix(), limit.ipv6_prefix()},
                                       .max_clients = limit.max_clients()};
  auto limiter = registry.rate_limiters().FindOrMake(name, settings);
  limiters[name] = {limiter, settings};
  return limiter;
}

void SetRateLimit(const type::Rule& rule, const type::Snapshot& snapshot,
                  const StateRegistry& registry, RateLimiters::ByRule& limiters, RuleTable& table) {
  const bool own = rule.has_rate_limit();
  if (!own && !snapshot.has_rate_limit()) return;
  const type::RateLimit& limit = own ? rule.rate_limit() : snapshot.rate_limit();
  const std::string owner = own ? rule.name() : RateLimiters::kShared;
  table.rate_limiter = MakeLimiter(owner, limit, registry, limiters);
  if (limit.client_cert() && table.tls != nullptr && table.tls->asks_clients()) {
    table.identity_limiter =
        MakeLimiter(owner + RateLimiters::kIdentities, limit, registry, limiters);
    table.identities = registry.rate_limiters().identities();
  }
  table.rate_limit_counts_only = limit.enforce() == type::RateLimit::ENFORCE_SHADOW;
  table.rate_limit_closes = limit.on_refuse() == type::RateLimit::ON_REFUSE_CLOSE;
}

BandwidthRates RatesOf(const type::BandwidthLimit::Rates& rates) {
  return {static_cast<double>(rates.upload_bytes_per_s()),
          static_cast<double>(rates.download_bytes_per_s()),
          static_cast<double>(rates.upload_burst_bytes()),
          static_cast<double>(rates.download_burst_bytes())};
}

void SetBandwidth(const type::Rule& rule, const type::Snapshot& snapshot,
                  const Bandwidths& bandwidths, Instant now, Bandwidths::Wanted& wanted,
                  RuleTable& table) {
  const bool own = rule.has_bandwidth_limit();
  const type::BandwidthLimit& limit = own ? rule.bandwidth_limit() : snapshot.bandwidth_limit();
  table.client_bandwidth =
      bandwidths.ClientsOf(own ? rule.name() : Bandwidths::kShared, RatesOf(limit.client()), now,
                           wanted, limit.shared());
  const BandwidthRates rates = RatesOf(limit.backend());
  for (BackendTable& backend : table.backends)
    backend.bandwidth =
        bandwidths.BackendOf(rule.name(), backend.name, rates, now, wanted, limit.shared());
}

RuleTable MakeRule(const type::Rule& rule, StateRegistry& registry) {
  RuleTable table;
  table.name = rule.name();
  table.listen = Endpoint::Parse(rule.listen(), Endpoint::PortZero::kAllow).value();
  table.backends.reserve(static_cast<size_t>(rule.backends_size()));
  for (const type::Backend& backend : rule.backends())
    table.backends.push_back(MakeBackend(rule.name(), backend, registry));
  table.connect_timeout_ms = rule.timeouts().connect_ms();
  table.idle_timeout_ms = rule.timeouts().idle_ms();
  table.half_close_timeout_ms = rule.timeouts().half_close_ms();
  table.connect_attempts = rule.connect_attempts();
  table.limited = rule.max_connections() != 0;
  table.queue_max = rule.queue().max();
  table.queue_timeout_ms = rule.queue().timeout_ms();
  for (const std::string& source : rule.source_addresses())
    table.sources.push_back(Endpoint::FromIp(source, 0).value().ToSocketAddress());
  table.access = MakeAccessList(rule).value();
  table.proxy = MakeProxyTable(rule).value();
  table.balance = MakeBalance(rule);
  table.outlier = MakeOutlierSettings(rule);
  table.drain_timeout_ms = rule.drain_timeout_ms();
  table.access_log_off = rule.access_log_off();
  table.client_hello_timeout_ms = rule.client_hello_timeout_ms();
  table.state = registry.FindOrMakeRule(rule.name());
  return table;
}

void SetTls(const type::Rule& rule, const std::map<std::string, RuleTls>& made, RuleTable& table) {
  const auto it = made.find(rule.name());
  if (it == made.end()) return;
  table.tls = it->second.server;
  table.tls_handshake_timeout_ms = rule.tls().handshake_timeout_ms();
  table.backend_tls = it->second.backend;
  table.backend_handshake_timeout_ms = rule.backend_tls().handshake_timeout_ms();
  table.pass_sni = rule.backend_tls().pass_sni();
}

bool SameBackend(const BackendTable& a, const BackendTable& b) {
  return a.name == b.name && a.endpoint == b.endpoint && a.weight == b.weight &&
         a.limited == b.limited && a.backup == b.backup && a.bandwidth == b.bandwidth &&
         a.draining == b.draining && a.server_name == b.server_name && a.sni_route == b.sni_route &&
         a.state == b.state;
}

bool SameAddress(const SocketAddress& a, const SocketAddress& b) {
  return a.length == b.length && std::memcmp(&a.storage, &b.storage, a.length) == 0;
}

// Of tables that are there or not.
template <typename Table>
bool SameOptional(const std::shared_ptr<const Table>& a, const std::shared_ptr<const Table>& b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

}  // namespace

bool SameRule(const RuleTable& a, const RuleTable& b) {
  return a.name == b.name && a.listen == b.listen && a.connect_timeout_ms == b.connect_timeout_ms &&
         a.idle_timeout_ms == b.idle_timeout_ms &&
         a.half_close_timeout_ms == b.half_close_timeout_ms &&
         a.connect_attempts == b.connect_attempts && a.limited == b.limited &&
         a.queue_max == b.queue_max && a.queue_timeout_ms == b.queue_timeout_ms &&
         a.rate_limiter == b.rate_limiter && a.identity_limiter == b.identity_limiter &&
         a.rate_limit_counts_only == b.rate_limit_counts_only &&
         a.rate_limit_closes == b.rate_limit_closes && a.access_log_off == b.access_log_off &&
         a.client_bandwidth == b.client_bandwidth && a.client_connections == b.client_connections &&
         a.client_hello_timeout_ms == b.client_hello_timeout_ms && a.route == b.route &&
         SameNames(a.sni.get(), b.sni.get()) && a.state == b.state &&
         SameOptional(a.access, b.access) && SameOptional(a.proxy, b.proxy) &&
         SameBalance(a.balance, b.balance) && a.outlier == b.outlier &&
         a.drain_timeout_ms == b.drain_timeout_ms && a.tls == b.tls &&
         a.tls_handshake_timeout_ms == b.tls_handshake_timeout_ms &&
         a.backend_tls == b.backend_tls && a.pass_sni == b.pass_sni &&
         a.backend_handshake_timeout_ms == b.backend_handshake_timeout_ms &&
         std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end(),
                    SameAddress) &&
         std::equal(a.backends.begin(), a.backends.end(), b.backends.begin(), b.backends.end(),
                    SameBackend);
}

namespace {

std::shared_ptr<const RuleTable> FindRule(const Tables* tables, const std::string& name) {
  if (tables == nullptr) return nullptr;
  const auto found = std::lower_bound(
      tables->rules.begin(), tables->rules.end(), name,
      [](const auto& rule, const std::string& wanted) { return rule->name < wanted; });
  if (found == tables->rules.end() || (*found)->name != name) return nullptr;
  return *found;
}

}  // namespace

BuiltTables BuildTables(const type::Snapshot& snapshot, const Tables* previous,
                        StateRegistry& registry, Instant now) {
  BuiltTables built;
  built.problems = CheckSnapshot(snapshot);
  if (!built.problems.empty()) return built;
  const std::map<std::string, RuleTls> tls = BuildTls(snapshot, registry.tls(), built.problems);
  if (!built.problems.empty()) return built;
  auto tables = std::make_shared<Tables>();
  tables->access_log = snapshot.access_log();
  tables->rules.reserve(static_cast<size_t>(snapshot.rules_size()));
  for (const type::Rule& rule : snapshot.rules()) {
    RuleTable made = MakeRule(rule, registry);
    std::shared_ptr<SniTable> sni = MakeSniTable(rule);
    made.sni = sni;
    SetTls(rule, tls, made);
    SetRateLimit(rule, snapshot, registry, tables->rate_limiters, made);
    SetBandwidth(rule, snapshot, registry.bandwidths(), now, tables->bandwidths, made);
    made.client_connections = registry.client_limits().FindOrMake(
        rule.name(), rule.max_connections_per_client(), tables->client_limits);
    auto fresh = std::make_shared<RuleTable>(std::move(made));
    std::shared_ptr<const RuleTable> old = FindRule(previous, rule.name());
    if (old != nullptr && SameRule(*old, *fresh)) {
      tables->rules.push_back(std::move(old));
      continue;
    }
    FinishBalance(*fresh, old.get(), now);
    FinishRoutes(*fresh, std::move(sni), old.get(), now);
    tables->rules.push_back(std::move(fresh));
  }
  built.tables = std::move(tables);
  return built;
}

BuiltTables BuildTables(std::string_view bytes, const Tables* previous, StateRegistry& registry,
                        Instant now) {
  const auto refuse = [](Problem::Kind kind, std::string message) {
    return BuiltTables{nullptr, {{kind, "", std::move(message)}}};
  };
  if (bytes.size() > kMaxSnapshotBytes)
    return refuse(
        Problem::Kind::kResourceLimit,
        absl::StrCat("the snapshot has ", bytes.size(), " bytes; at most ", kMaxSnapshotBytes));
  type::Snapshot snapshot;
  static_assert(kMaxSnapshotBytes <= INT32_MAX, "protobuf counts bytes in an int");
  if (!snapshot.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return refuse(Problem::Kind::kInvalid, "the bytes are not a snapshot");
  return BuildTables(snapshot, previous, registry, now);
}

}  // namespace lb::dataplane
