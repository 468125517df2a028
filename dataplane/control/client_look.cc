#include "dataplane/control/client_look.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "dataplane/balance/client_hash.h"
#include "dataplane/balance/hashing.h"
#include "dataplane/balance/shares.h"
#include "dataplane/snapshot/balance_tables.h"
#include "dataplane/tls/client_hello.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::ClientReport;

std::optional<SocketAddress> AddressOf(const std::string& ip) {
  const auto endpoint = Endpoint::FromIp(ip, 0);
  if (!endpoint.ok()) return std::nullopt;
  return endpoint->ToSocketAddress();
}

void Fill(const RateLimiter::ClientView& view, ClientReport::Client& to) {
  to.set_connects_per_s(view.arrivals_per_s);
  to.set_refused_per_s(view.refused_per_s);
  to.set_tokens(view.tokens);
  to.set_burst(view.burst);
  to.set_rate_per_s(view.rate_per_s);
  to.set_has_budget(view.has_budget);
}

const RuleTable* FindRule(const Tables* tables, const std::string& name) {
  if (tables == nullptr) return nullptr;
  for (const auto& rule : tables->rules)
    if (rule->name == name) return rule.get();
  return nullptr;
}

bool IsFull(const BackendTable& backend) {
  return backend.limited && !backend.state->slots.HasFree();
}

void AddConnections(const RuleTable& rule, const SocketAddress& client, ClientReport& to) {
  if (rule.client_connections == nullptr) return;
  const ClientConnections::Use use = rule.client_connections->Look(client);
  to.mutable_connections()->set_open(use.held);
  to.mutable_connections()->set_slots(use.slots);
}

void AddCandidates(const RuleTable& rule, const SocketAddress& client, Instant now,
                   ClientReport& to) {
  std::vector<BackendFacts> facts(rule.backends.size());
  ReadFacts(rule, now, facts);
  Shares shares(rule.backends.size(), ShareOptions(rule));
  shares.Update(facts, now);
  for (size_t i = 0; i < rule.backends.size(); ++i) {
    ClientReport::Candidate& candidate = *to.add_candidates();
    candidate.set_backend(rule.backends[i].name);
    candidate.set_weight(shares.weights()[i]);
    candidate.set_full(IsFull(rule.backends[i]));
    candidate.set_ejected(rule.outlier.on() &&
                          rule.backends[i].state->outlier.ejected_until.load() > now);
  }
  to.set_panic(shares.panic());
  if (!HashesClient(rule.balance.algorithm)) return;
  const ClientHash hash(rule.balance.hash_tables, rule.balance.hash_bound_ratio);
  const std::optional<size_t> found = hash.Next(
      HashOfClient(client), shares,
      [&](size_t index) { return rule.backends[index].state->slots.held(); },
      [&] { return rule.Connections(); },
      [&](size_t index) { return !IsFull(rule.backends[index]); });
  if (found) to.set_hashed_to(rule.backends[*found].name);
}

// The rule as the client meets it that asks for this name, and which route that is.
const RuleTable& RouteFor(const RuleTable& rule, const std::string& server_name, ClientReport& to) {
  if (rule.sni == nullptr) return rule;
  const RuleTable& route =
      *rule.sni->routes[rule.sni->RouteOf(tls::CanonicalServerName(server_name))];
  to.set_sni_route(route.route->name);
  return route;
}

// A limit of identities has nothing to say of an address.
void AddLimit(const std::string& name, RateLimiter& limiter, const ClientNames& identities,
              uint32_t top, const std::optional<SocketAddress>& client, Instant now, int& room,
              ClientReport& to) {
  const bool of_identities = RateLimiters::IsOfIdentities(name);
  ClientReport::Limit& limit = *to.add_limits();
  limit.set_rule(name);
  limit.set_busy_clients(limiter.hot_clients());
  const PrefixLengths& lengths = limiter.prefix_lengths();
  const auto most = std::min<size_t>({top, kMaxLookedAt, static_cast<size_t>(room)});
  for (const RateLimiter::ClientView& view : limiter.Busiest(most, now)) {
    ClientReport::Client& told = *limit.add_clients();
    told.set_client(of_identities ? identities.NameOf(view.client)
                                  : PrefixText(view.client, lengths));
    Fill(view, told);
  }
  room -= limit.clients_size();
  if (!client || of_identities) return;
  const ClientPrefix prefix = PrefixOf(*client, lengths);
  limit.mutable_asked()->set_client(PrefixText(prefix, lengths));
  Fill(limiter.Look(prefix, now), *limit.mutable_asked());
}

void Fill(const BandwidthView& view, ClientReport::Bandwidth::Use& to) {
  to.set_upload_bytes_per_s(view.upload_bytes_per_s);
  to.set_download_bytes_per_s(view.download_bytes_per_s);
  to.set_connections(view.connections);
  to.set_throttled(view.throttled);
}

// What clients and backends move; with `rule`, only under the limits that its connections meet.
void AddBandwidths(const Bandwidths& bandwidths, const RuleTable* rule, uint32_t top,
                   const std::optional<SocketAddress>& client, int& room, ClientReport& to) {
  for (const auto& [name, limit] : bandwidths.in_force().clients) {
    if (rule != nullptr && rule->client_bandwidth != limit.buckets) continue;
    const PrefixLengths& lengths = limit.buckets->prefix_lengths();
    ClientReport::Bandwidth& told = *to.add_bandwidths();
    told.set_rule(name);
    told.set_clients(limit.buckets->clients());
    told.set_throttled_clients(limit.buckets->throttled());
    const auto most = std::min<size_t>({top, kMaxLookedAt, static_cast<size_t>(room)});
    for (const BandwidthView& view : limit.buckets->Busiest(most)) {
      ClientReport::Bandwidth::Use& use = *told.add_uses();
      use.set_client(PrefixText(view.client, lengths));
      Fill(view, use);
    }
    room -= told.uses_size();
    if (client) {
      told.mutable_asked()->set_client(PrefixText(PrefixOf(*client, lengths), lengths));
      Fill(limit.buckets->Look(PrefixOf(*client, lengths)), *told.mutable_asked());
    }
  }
  for (const auto& [name, limit] : bandwidths.in_force().backends) {
    if (rule != nullptr && rule->name != name.first) continue;
    ClientReport::Bandwidth& told = *to.add_bandwidths();
    told.set_rule(name.first);
    told.set_backend(name.second);
    Fill(ViewOf(0, *limit.buckets), *told.add_uses());
  }
}

}  // namespace

lb::worker::v1::ConnectRequest LookAtClients(const lb::worker::v1::Command& command,
                                             const RateLimiters& limiters,
                                             const Bandwidths& bandwidths, const Tables* tables,
                                             Instant now) {
  const auto& look = command.look_at_clients();
  const std::optional<SocketAddress> client = AddressOf(look.client());
  const RuleTable* rule = FindRule(tables, look.rule());
  lb::worker::v1::ConnectRequest message;
  ClientReport& report = *message.mutable_clients();
  report.set_command_id(command.id());
  int room = kMaxReportedClients;
  for (const auto& [name, named] : limiters.in_force()) {
    const bool wanted =
        look.rule().empty() || (rule != nullptr && (rule->rate_limiter == named.limiter ||
                                                    rule->identity_limiter == named.limiter));
    if (wanted)
      AddLimit(name, *named.limiter, *limiters.identities(), look.top(), client, now, room, report);
  }
  if (rule != nullptr || look.rule().empty())
    AddBandwidths(bandwidths, rule, look.top(), client, room, report);
  if (rule != nullptr && client) {
    AddConnections(*rule, *client, report);
    AddCandidates(RouteFor(*rule, look.server_name(), report), *client, now, report);
  }
  return message;
}

}  // namespace lb::dataplane
