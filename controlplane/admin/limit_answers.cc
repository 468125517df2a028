#include "controlplane/admin/limit_answers.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/shared_rate.h"

namespace lb::controlplane {
namespace {

using admin::v1::ClientUse;
using admin::v1::Limit;

std::string RuleNameOf(const std::string& rule) {
  return rule.empty() ? "" : absl::StrCat("rules/", rule);
}

Limit::Enforce ToProto(RateLimitConfig::Enforce enforce) {
  switch (enforce) {
    case RateLimitConfig::Enforce::kOn:
      return Limit::ENFORCE_ON;
    case RateLimitConfig::Enforce::kShadow:
      return Limit::ENFORCE_SHADOW;
    case RateLimitConfig::Enforce::kOff:
      break;
  }
  return Limit::ENFORCE_OFF;
}

bool AsksClients(const LiveRule& rule) {
  return rule.tls && rule.tls->client_auth != TlsConfig::ClientAuth::kNone;
}

// The owner in what a worker calls a rate limit: also of the one of client certificates.
std::string OwnerIn(const std::string& limit) {
  return std::string(absl::StripSuffix(limit, kClientCertLimit));
}

// What all rules that go by one rate limit counted, and how that is enforced.
struct RateOwner {
  uint64_t refused_total = 0;
  uint64_t would_refuse_total = 0;
  uint64_t cert_refused_total = 0;
  uint64_t busy_identities = 0;  // As busy_clients.
  // The most that one worker has: a client that is busy has a budget in every worker.
  uint64_t busy_clients = 0;
  bool only_counts = false;
  const RateLimitConfig* config = nullptr;
};

std::map<std::string, RateOwner> RateOwnersOf(const View& view, const ClientReports& reports) {
  std::map<std::string, RateOwner> owners;
  for (const LiveRule& rule : view.live) {
    if (!rule.rate_limit) continue;
    RateOwner& owner = owners[RateOwnerOf(rule)];
    const RuleTotals totals = view.totals.OfRule(rule.name);
    owner.refused_total += totals.rate_limited_total;
    owner.would_refuse_total += totals.would_refuse_total;
    owner.cert_refused_total += totals.cert_limited_total;
    owner.config = &*rule.rate_limit;
    owner.only_counts = rule.rate_limit->enforce == RateLimitConfig::Enforce::kShadow;
  }
  for (const auto& [worker, report] : reports)
    for (const auto& limit : report.limits()) {
      const std::string name = OwnerIn(limit.rule());
      const auto owner = owners.find(name);
      if (owner == owners.end()) continue;
      uint64_t& busy =
          name == limit.rule() ? owner->second.busy_clients : owner->second.busy_identities;
      busy = std::max<uint64_t>(busy, limit.busy_clients());
    }
  return owners;
}

Limit RateLimitOf(const std::string& rule, const RateLimitConfig& config, const RateOwner& owner) {
  Limit limit;
  limit.set_kind(Limit::KIND_RATE);
  limit.set_rule(RuleNameOf(rule));
  limit.set_enforce(ToProto(config.enforce));
  limit.set_rate_per_s(config.requests_per_second);
  limit.set_burst(config.Burst());
  limit.set_busy_clients(owner.busy_clients);
  limit.set_refused_total(owner.refused_total);
  limit.set_would_refuse_total(owner.would_refuse_total);
  return limit;
}

// What it would refuse is counted with the limit of addresses.
Limit CertLimitOf(const std::string& rule, const RateLimitConfig& config, const RateOwner& owner) {
  Limit limit = RateLimitOf(rule, config, owner);
  limit.set_kind(Limit::KIND_CLIENT_CERT_RATE);
  limit.set_busy_clients(owner.busy_identities);
  limit.set_refused_total(owner.cert_refused_total);
  limit.clear_would_refuse_total();
  return limit;
}

Limit RuleLimitOf(const LiveRule& rule, const RuleTotals& totals) {
  Limit limit;
  limit.set_kind(Limit::KIND_RULE_CONNECTIONS);
  limit.set_rule(RuleNameOf(rule.name));
  limit.set_enforce(Limit::ENFORCE_ON);
  limit.set_max_connections(rule.max_connections);
  limit.set_connections(totals.connections);
  limit.set_refused_total(totals.rule_limited_total);
  return limit;
}

Limit ClientLimitOf(const LiveRule& rule, const RuleTotals& totals) {
  Limit limit;
  limit.set_kind(Limit::KIND_CLIENT_CONNECTIONS);
  limit.set_rule(RuleNameOf(rule.name));
  limit.set_enforce(Limit::ENFORCE_ON);
  limit.set_max_connections(rule.max_connections_per_client);
  limit.set_refused_total(totals.client_limited_total);
  return limit;
}

// How a limit stands that all hosts share.
void FillShared(const SlotExchange::Share& share, const View& view, admin::v1::SharedSlots& out) {
  out.set_slots(share.rights);
  out.set_made(share.made);
  for (const SlotExchange::Share::Host& host : share.hosts) {
    admin::v1::SharedSlots::Host& to = *out.add_hosts();
    if (!host.name.empty()) to.set_member(MemberName(host.name));
    to.set_slots(host.rights);
    if (!host.need) continue;
    to.set_held(host.need->held);
    to.set_wanted(host.need->wanted);
    to.set_heard(true);
    if (host.heard_at)
      to.set_age_seconds(std::chrono::duration<double>(view.clock.steady - *host.heard_at).count());
  }
}

Limit BackendLimitOf(const LiveRule& rule, const LiveBackend& backend, const View& view) {
  Limit limit;
  limit.set_kind(Limit::KIND_BACKEND_CONNECTIONS);
  limit.set_rule(RuleNameOf(rule.name));
  limit.set_backend(BackendName(rule.name, backend.name));
  limit.set_enforce(Limit::ENFORCE_ON);
  limit.set_max_connections(backend.max_connections);
  limit.set_connections(view.totals.OfBackend({rule.name, backend.name}).connections);
  limit.set_refused_total(view.totals.OfRule(rule.name).backend_limited_total);
  if (const auto share = view.slots.Look({rule.name, backend.name}, view.clock.steady))
    FillShared(*share, view, *limit.mutable_shared());
  return limit;
}

void Fill(const WorkerKey& worker, const worker::v1::ClientReport::Client& from,
          admin::v1::Bucket& to) {
  to.set_worker(absl::StrCat("workers/", worker.id));
  to.set_tokens(from.tokens());
  to.set_burst(from.burst());
  to.set_rate_per_s(from.rate_per_s());
  to.set_has_budget(from.has_budget());
}

// By whose limits they are under, and the client.
using UsesByClient = std::map<std::pair<std::string, std::string>, ClientUse>;

ClientUse& UseOf(const std::string& rule, const std::string& client, UsesByClient& by_client) {
  ClientUse& use = by_client[{rule, client}];
  use.set_client(client);
  use.set_rule(RuleNameOf(rule));
  return use;
}

double Bytes(const ClientUse& use) { return use.upload_bytes_per_s() + use.download_bytes_per_s(); }

void AddBytes(const worker::v1::ClientReport& report, UsesByClient& by_client) {
  for (const auto& bandwidth : report.bandwidths()) {
    if (!bandwidth.backend().empty()) continue;
    for (const auto& told : bandwidth.uses()) {
      ClientUse& use = UseOf(bandwidth.rule(), told.client(), by_client);
      use.set_upload_bytes_per_s(use.upload_bytes_per_s() + told.upload_bytes_per_s());
      use.set_download_bytes_per_s(use.download_bytes_per_s() + told.download_bytes_per_s());
      use.set_connections(use.connections() + told.connections());
      use.set_throttled(use.throttled() || told.throttled());
    }
  }
}

// Adds how hosts share the rate limit of those that are in the answer.
void AddSharedRates(const std::map<std::string, RateOwner>& owners, const View& view,
                    admin::v1::ListClientsResponse& out) {
  for (ClientUse& use : *out.mutable_clients()) {
    const std::string name(absl::StripPrefix(use.rule(), "rules/"));
    const auto owner = owners.find(name);
    if (owner == owners.end() || use.buckets().empty()) continue;
    const RateLimitConfig& config = *owner->second.config;
    const std::optional<uint64_t> prefix = ClientPrefixOf(use.client(), config);
    if (!prefix) continue;
    auto shared =
        SharedRateOf(name, *prefix, config, {use.connects_per_s(), use.refused_per_s()}, view);
    if (shared) *use.mutable_shared_rate() = *std::move(shared);
  }
}

}  // namespace

std::string RateOwnerOf(const LiveRule& rule) { return rule.own_rate_limit ? rule.name : ""; }

admin::v1::ListLimitsResponse DescribeLimits(const View& view, const std::string& rule,
                                             const ClientReports& reports) {
  const std::map<std::string, RateOwner> owners = RateOwnersOf(view, reports);
  std::map<std::string, Limit> rates;  // By whose limit it is.
  std::map<std::string, Limit> certs;  // Likewise.
  std::vector<Limit> rules;
  std::vector<Limit> backends;
  for (const LiveRule& live : view.live) {
    if (!rule.empty() && live.name != rule) continue;
    if (live.rate_limit && !rates.contains(RateOwnerOf(live))) {
      const std::string owner = RateOwnerOf(live);
      rates[owner] = RateLimitOf(owner, *live.rate_limit, owners.at(owner));
    }
    if (live.rate_limit && live.rate_limit->client_cert && AsksClients(live)) {
      const std::string owner = RateOwnerOf(live);
      certs[owner] = CertLimitOf(owner, *live.rate_limit, owners.at(owner));
    }
    const RuleTotals totals = view.totals.OfRule(live.name);
    if (live.max_connections != 0) rules.push_back(RuleLimitOf(live, totals));
    if (live.max_connections_per_client != 0) rules.push_back(ClientLimitOf(live, totals));
    for (const LiveBackend& backend : live.backends)
      if (backend.max_connections != 0) backends.push_back(BackendLimitOf(live, backend, view));
  }
  admin::v1::ListLimitsResponse out;
  for (auto& [owner, limit] : rates) *out.add_limits() = std::move(limit);
  for (auto& [owner, limit] : certs) *out.add_limits() = std::move(limit);
  for (Limit& limit : rules) *out.add_limits() = std::move(limit);
  for (Limit& limit : backends) *out.add_limits() = std::move(limit);
  for (Limit& limit : DescribeBandwidths(view, rule, reports)) *out.add_limits() = std::move(limit);
  return out;
}

admin::v1::ListClientsResponse DescribeClients(const View& view, size_t limit,
                                               admin::v1::ListClientsRequest::Order order,
                                               const ClientReports& reports) {
  const std::map<std::string, RateOwner> owners = RateOwnersOf(view, reports);
  UsesByClient by_client;
  for (const auto& [worker, report] : reports) {
    AddBytes(report, by_client);
    for (const auto& from : report.limits()) {
      const std::string name = OwnerIn(from.rule());
      const auto owner = owners.find(name);
      const bool only_counts = owner != owners.end() && owner->second.only_counts;
      for (const auto& client : from.clients()) {
        ClientUse& use = UseOf(name, client.client(), by_client);
        use.set_connects_per_s(use.connects_per_s() + client.connects_per_s());
        use.set_refused_per_s(use.refused_per_s() + client.refused_per_s());
        use.set_shadow(only_counts);
        Fill(worker, client, *use.add_buckets());
      }
    }
  }
  std::vector<ClientUse> clients;
  clients.reserve(by_client.size());
  for (auto& [key, use] : by_client) clients.push_back(std::move(use));
  const bool by_bytes = order == admin::v1::ListClientsRequest::ORDER_BYTES;
  std::stable_sort(clients.begin(), clients.end(), [&](const ClientUse& a, const ClientUse& b) {
    if (by_bytes || a.connects_per_s() == b.connects_per_s()) return Bytes(a) > Bytes(b);
    return a.connects_per_s() > b.connects_per_s();
  });
  if (clients.size() > limit) clients.resize(limit);
  admin::v1::ListClientsResponse out;
  for (ClientUse& use : clients) *out.add_clients() = std::move(use);
  AddSharedRates(owners, view, out);
  return out;
}

}  // namespace lb::controlplane
