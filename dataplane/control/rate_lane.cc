#include "dataplane/control/rate_lane.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::RateGrant;

// A budget is renewed every second; one for longer would outlive what it was made for.
constexpr std::chrono::seconds kMaxTtl{60};

absl::Status CheckRatio(const char* field, double ratio, bool may_be_zero) {
  if (ratio <= 1 && (ratio > 0 || (may_be_zero && ratio == 0))) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("RateGrant.", field, " is ", ratio));
}

absl::Status Check(const RateGrant& grant) {
  if (grant.has_shares()) {
    LB_RETURN_IF_ERROR(CheckRatio("shares.quiet_ratio", grant.shares().quiet_ratio(), false));
    LB_RETURN_IF_ERROR(CheckRatio("shares.fallback_ratio", grant.shares().fallback_ratio(), false));
    LB_RETURN_IF_ERROR(CheckRatio("shares.report_ratio", grant.shares().report_ratio(), true));
    LB_RETURN_IF_ERROR(CheckRatio("shares.host_ratio", grant.shares().host_ratio(), true));
  }
  for (const RateGrant::Budget& budget : grant.budgets()) {
    const bool good = budget.rate_per_s() > 0 && budget.rate_per_s() <= 1e9 &&
                      budget.burst() >= 0 && budget.burst() <= 1e9 && budget.ttl().seconds() >= 0 &&
                      budget.ttl().seconds() <= kMaxTtl.count();
    if (!good)
      return absl::InvalidArgumentError(
          absl::StrCat("RateGrant.budgets: rate ", budget.rate_per_s(), ", burst ", budget.burst(),
                       ", ", budget.ttl().seconds(), " s"));
  }
  for (const RateGrant::Bandwidth& budget : grant.bandwidths()) {
    LB_RETURN_IF_ERROR(CheckRatio("bandwidths.upload_ratio", budget.upload_ratio(), false));
    LB_RETURN_IF_ERROR(CheckRatio("bandwidths.download_ratio", budget.download_ratio(), false));
    if (budget.ttl().seconds() < 0 || budget.ttl().seconds() > kMaxTtl.count())
      return absl::InvalidArgumentError(
          absl::StrCat("RateGrant.bandwidths: ", budget.ttl().seconds(), " s"));
  }
  for (const RateGrant::ClientSlots& slots : grant.client_slots()) {
    if (slots.ttl().seconds() < 0 || slots.ttl().seconds() > kMaxTtl.count())
      return absl::InvalidArgumentError(
          absl::StrCat("RateGrant.client_slots: ", slots.ttl().seconds(), " s"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RateLane::Take(const RateGrant& grant, Instant now) {
  LB_RETURN_IF_ERROR(Check(grant));
  if (grant.has_shares()) {
    const RateGrant::Shares& shares = grant.shares();
    limiters_.SetShares({.quiet_ratio = shares.quiet_ratio(),
                         .report_ratio = shares.report_ratio(),
                         .fallback_ratio = shares.fallback_ratio()},
                        now);
    // An older control plane says none.
    const double host_ratio =
        shares.host_ratio() > 0 ? shares.host_ratio() : shares.fallback_ratio();
    bandwidths_.SetParts({host_ratio, shares.fallback_ratio()}, now);
    client_limits_.SetPart(host_ratio);
  }
  for (const RateGrant::Budget& budget : grant.budgets()) {
    RateLimiter* limiter = limiters_.Find(budget.rule());
    if (limiter == nullptr) continue;  // Of a limit that the snapshot on its way brings, or took.
    limiter->SetBudget({budget.prefix(), budget.rate_per_s(), budget.burst(), budget.fill_growth(),
                        std::chrono::seconds(budget.ttl().seconds()) +
                            std::chrono::nanoseconds(budget.ttl().nanos())},
                       now);
  }
  for (const RateGrant::Bandwidth& budget : grant.bandwidths())
    bandwidths_.SetBudget({budget.rule(), budget.prefix(), budget.backend()},
                          {budget.upload_ratio(), budget.download_ratio(),
                           now + std::chrono::seconds(budget.ttl().seconds())},
                          now);
  TakeClientSlots(grant, now);
  return absl::OkStatus();
}

void RateLane::TakeClientSlots(const RateGrant& grant, Instant now) {
  for (const RateGrant::ClientSlots& slots : grant.client_slots())
    client_limits_.SetGrant(slots.rule(), slots.prefix(),
                            {static_cast<uint32_t>(std::min<uint64_t>(slots.slots(), UINT32_MAX)),
                             slots.seq(), now + std::chrono::seconds(slots.ttl().seconds())});
}

void RateLane::ReportClientSlots(Instant now, std::vector<ConnectRequest>& out) {
  if (!client_limits_.reports() || now < client_slots_told_at_ + kInterval) return;
  client_slots_told_at_ = now;
  lb::worker::v1::RateReport* report = nullptr;
  for (const auto& [rule, use] : client_limits_.TakeNews(kMaxClients)) {
    if (report == nullptr) report = out.emplace_back().mutable_rates();
    lb::worker::v1::RateReport::ClientSlots& to = *report->add_client_slots();
    to.set_rule(rule);
    to.set_prefix(use.client);
    to.set_held(use.held);
    to.set_slots(use.slots);
    to.set_refused(use.refused);
    to.set_seq(use.seq);
  }
}

void RateLane::ReportBandwidths(Instant now, std::vector<ConnectRequest>& out) {
  if (!bandwidths_.reports() || now < bandwidths_told_at_ + kBandwidthInterval) return;
  bandwidths_told_at_ = now;
  lb::worker::v1::RateReport* report = nullptr;
  for (const auto& [name, use] : bandwidths_.TakeUses(now, kMaxUses)) {
    if (report == nullptr || report->bandwidths_size() >= static_cast<int>(kMaxClients))
      report = out.emplace_back().mutable_rates();
    lb::worker::v1::RateReport::Bandwidth& to = *report->add_bandwidths();
    to.set_rule(name.rule);
    to.set_prefix(name.client);
    to.set_backend(name.backend);
    to.set_upload_bytes_total(use.upload_bytes_total);
    to.set_download_bytes_total(use.download_bytes_total);
    to.set_connections(use.connections);
    to.set_upload_throttled(use.upload_throttled);
    to.set_download_throttled(use.download_throttled);
  }
}

void RateLane::Report(Instant now, std::vector<ConnectRequest>& out) {
  const bool all = !told_all_;
  told_all_ = true;
  ReportBandwidths(now, out);
  ReportClientSlots(now, out);
  for (const auto& [rule, named] : limiters_.in_force()) {
    lb::worker::v1::RateReport::Limit* limit = nullptr;
    for (const RateLimiter::Usage& usage : named.limiter->TakeUsage(all, now)) {
      if (limit == nullptr || limit->clients_size() >= static_cast<int>(kMaxClients)) {
        limit = out.emplace_back().mutable_rates()->add_limits();
        limit->set_rule(rule);
      }
      lb::worker::v1::RateReport::Client& client = *limit->add_clients();
      client.set_prefix(usage.client);
      client.set_arrivals(usage.arrivals);
      client.set_admitted(usage.admitted);
      client.set_missing(usage.missing);
    }
  }
}

}  // namespace lb::dataplane
