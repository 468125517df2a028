// What bandwidth limits there are, and who uses them.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/rule_answers.h"

namespace lb::controlplane {
namespace {

using admin::v1::Limit;
using admin::v1::SharedBandwidth;
using worker::v1::ClientReport;

Limit LimitOf(Limit::Kind kind, const std::string& rule, const BandwidthRatesConfig& rates) {
  Limit limit;
  limit.set_kind(kind);
  if (!rule.empty()) limit.set_rule(absl::StrCat("rules/", rule));
  limit.set_enforce(Limit::ENFORCE_ON);
  limit.set_max_upload_bytes_per_s(rates.upload_bytes_per_s);
  limit.set_max_download_bytes_per_s(rates.download_bytes_per_s);
  return limit;
}

// What workers say of one limit; a client is in several of them at once.
void AddUse(const std::string& rule, const std::string& backend, const ClientReports& reports,
            Limit& limit) {
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Bandwidth& told : report.bandwidths()) {
      if (told.rule() != rule || told.backend() != backend) continue;
      limit.set_clients(std::max(limit.clients(), told.clients()));
      limit.set_throttled_clients(std::max(limit.throttled_clients(), told.throttled_clients()));
      if (backend.empty()) continue;
      for (const ClientReport::Bandwidth::Use& use : told.uses()) {
        limit.set_upload_bytes_per_s(limit.upload_bytes_per_s() + use.upload_bytes_per_s());
        limit.set_download_bytes_per_s(limit.download_bytes_per_s() + use.download_bytes_per_s());
        limit.set_connections(limit.connections() + use.connections());
      }
    }
  }
}

// Whose limit of clients the rule goes by; empty: the top level's.
std::string OwnerOf(const LiveRule& rule) { return rule.own_bandwidth_limit ? rule.name : ""; }

bool Any(const BandwidthRatesConfig& rates) {
  return rates.upload_bytes_per_s > 0 || rates.download_bytes_per_s > 0;
}

}  // namespace

std::optional<SharedBandwidth> SharedBandwidthOf(const LiveRule& rule, uint64_t client,
                                                 const std::string& backend, const View& view) {
  if (!rule.bandwidth_limit || !rule.bandwidth_limit->shared || view.usage.book() == nullptr)
    return std::nullopt;
  const BandwidthLedger::Others others = view.bandwidths.OthersOf(
      backend.empty() ? OwnerOf(rule) : rule.name, client, backend, view.clock.steady);
  SharedBandwidth shared;
  shared.set_hosts(static_cast<uint32_t>(others.hosts));
  shared.set_connections(others.connections);
  shared.set_upload_bytes_per_s(others.upload_bytes_per_s);
  shared.set_download_bytes_per_s(others.download_bytes_per_s);
  return shared;
}

std::vector<Limit> DescribeBandwidths(const View& view, const std::string& rule,
                                      const ClientReports& reports) {
  std::map<std::string, Limit> clients;  // By whose limit it is.
  std::vector<Limit> backends;
  for (const LiveRule& live : view.live) {
    if (!live.bandwidth_limit || (!rule.empty() && live.name != rule)) continue;
    const std::string owner = OwnerOf(live);
    if (Any(live.bandwidth_limit->client) && clients.find(owner) == clients.end()) {
      Limit& limit = clients[owner];
      limit = LimitOf(Limit::KIND_CLIENT_BANDWIDTH, owner, live.bandwidth_limit->client);
      AddUse(owner, "", reports, limit);
      // Each client has one of its own: that it is shared, and nothing more.
      if (SharedBandwidthOf(live, 0, "", view)) limit.mutable_shared_bandwidth();
    }
    if (!Any(live.bandwidth_limit->backend)) continue;
    for (const LiveBackend& backend : live.backends) {
      Limit& limit = backends.emplace_back(
          LimitOf(Limit::KIND_BACKEND_BANDWIDTH, live.name, live.bandwidth_limit->backend));
      limit.set_backend(BackendName(live.name, backend.name));
      AddUse(live.name, backend.name, reports, limit);
      if (auto shared = SharedBandwidthOf(live, 0, backend.name, view))
        *limit.mutable_shared_bandwidth() = *std::move(shared);
    }
  }
  std::vector<Limit> limits;
  limits.reserve(clients.size() + backends.size());
  for (auto& [owner, limit] : clients) limits.push_back(std::move(limit));
  for (Limit& limit : backends) limits.push_back(std::move(limit));
  return limits;
}

}  // namespace lb::controlplane
