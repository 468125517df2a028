#include "controlplane/admin/shared_rate.h"

#include <algorithm>

#include "base/cidr.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {
namespace {

using admin::v1::SharedRate;

constexpr size_t kMaxHosts = 1'000;
constexpr uint64_t kIpv4 = uint64_t{0xffff} << 32;

uint64_t Leading(uint64_t bits, uint32_t width, uint32_t length) {
  return length == 0 ? 0 : bits >> (width - length) << (width - length);
}

uint64_t Number(const uint8_t* bytes, size_t count) {
  uint64_t number = 0;
  for (size_t i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

// Without the ones that it could be and are not in force any more, since nothing is asked for.
const RateLedger::Client* Busy(const RateLedger::Client* client) {
  return client == nullptr || client->idle || client->sent.empty() ? nullptr : client;
}

double BudgetsOf(const RateLedger::Client& client) {
  double rate_per_s = 0;
  for (const auto& [worker, sent] : client.sent) rate_per_s += sent.budget.rate_per_s;
  return rate_per_s;
}

// Adds the other hosts, and what they are asked for to the sums.
void AddHosts(const std::string& owner, uint64_t prefix, const View& view, SharedRate& out) {
  const Instant now = view.clock.steady;
  std::optional<Instant> oldest;
  uint32_t heard = 1;
  uint32_t expected = 1;
  for (const HostBook::Row& row : view.usage.book()->Rows(now)) {
    ++expected;
    if (row.heard) ++heard;
    if (row.heard_at) oldest = std::min(oldest.value_or(now), *row.heard_at);
    const auto use = view.rates.FindHost(owner, prefix, row.name, now);
    if (use && use->counts) {
      out.set_cluster_demand_per_s(out.cluster_demand_per_s() + use->demand_per_s);
      out.set_cluster_admitted_per_s(out.cluster_admitted_per_s() + use->admitted_per_s);
    }
    if (static_cast<size_t>(out.hosts_size()) >= kMaxHosts) continue;
    SharedRate::Host& host = *out.add_hosts();
    host.set_member(MemberName(row.name));
    host.set_heard(row.heard);
    host.set_leaves_out(view.rates.LeavesOut(row.name));
    if (row.heard_at) *host.mutable_age() = ToProto(now - *row.heard_at);
    if (!use) continue;
    host.set_demand_per_s(use->demand_per_s);
    host.set_admitted_per_s(use->admitted_per_s);
    *host.mutable_told_age() = ToProto(now - use->told_at);
  }
  out.set_hosts_heard(heard);
  out.set_hosts_expected(expected);
  if (oldest) *out.mutable_age() = ToProto(now - *oldest);
}

}  // namespace

std::optional<uint64_t> ClientPrefixOf(const std::string& client, const RateLimitConfig& limit) {
  const absl::StatusOr<Cidr> network = Cidr::Parse(client);
  if (!network.ok()) return std::nullopt;
  const uint8_t* const bytes = network->prefix().data();
  if (network->IsIpv4()) return kIpv4 | Leading(Number(bytes + 12, 4), 32, limit.ipv4_prefix);
  return Leading(Number(bytes, 8), 64, limit.ipv6_prefix);
}

std::optional<SharedRate> SharedRateOf(const std::string& owner, uint64_t prefix,
                                       const RateLimitConfig& limit, const LocalRate& local,
                                       const View& view) {
  const HostBook* const book = view.usage.book();
  const Instant now = view.clock.steady;
  if (book == nullptr || book->Rows(now).empty()) return std::nullopt;
  const RateLedger::Client* const known = view.rates.Find(owner, prefix);
  const RateLedger::Client* const busy = Busy(known);
  const double rate_per_s = limit.requests_per_second;
  SharedRate out;
  out.set_demand_per_s(busy == nullptr ? local.connects_per_s : busy->bucket.demand_per_s());
  out.set_admitted_per_s(busy == nullptr ? std::max(0.0, local.connects_per_s - local.refused_per_s)
                                         : busy->bucket.admitted_per_s());
  out.set_cluster_demand_per_s(out.demand_per_s());
  out.set_cluster_admitted_per_s(out.admitted_per_s());
  AddHosts(owner, prefix, view, out);
  out.set_side_ratio(book->Others(now).side_ratio);
  out.set_limit_ratio(view.rates.free_ratio());
  out.set_burst(std::max(1.0, limit.Burst() * out.limit_ratio()));
  out.set_tokens(known == nullptr ? out.burst() : known->bucket.tokens());
  if (busy == nullptr) {
    const auto workers = static_cast<double>(view.rates.serving());
    out.set_basis(SharedRate::BASIS_QUIET);
    out.set_share_per_s(view.rates.told().quiet_ratio * workers * rate_per_s);
  } else {
    const bool room = out.cluster_demand_per_s() < rate_per_s * out.limit_ratio();
    const bool is_new = view.rates.IsUnanswered(*busy, now);
    out.set_basis(is_new ? SharedRate::BASIS_NEW
                  : room ? SharedRate::BASIS_ROOM
                         : SharedRate::BASIS_DEMAND);
    out.set_share_per_s(BudgetsOf(*busy));
  }
  out.set_share_ratio(rate_per_s > 0 ? out.share_per_s() / rate_per_s : 0);
  return out;
}

}  // namespace lb::controlplane
