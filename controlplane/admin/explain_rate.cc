#include "controlplane/admin/explain_rate.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controlplane/admin/explain_backends.h"
#include "controlplane/admin/shared_rate.h"

namespace lb::controlplane::explain {
namespace {

using admin::v1::ExplainConnectionResponse;
using worker::v1::ClientReport;

// What the workers that answered have for the client.
struct Buckets {
  int asked = 0;
  int full = 0;  // With a token.
  LocalRate local;
};

Buckets AddBuckets(const ClientReports& reports, ExplainConnectionResponse& out) {
  Buckets buckets;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Limit& limit : report.limits()) {
      if (!limit.has_asked()) continue;
      const ClientReport::Client& asked = limit.asked();
      ++buckets.asked;
      if (asked.tokens() >= 1) ++buckets.full;
      buckets.local.connects_per_s += asked.connects_per_s();
      buckets.local.refused_per_s += asked.refused_per_s();
      admin::v1::Bucket& bucket = *out.add_buckets();
      bucket.set_worker(absl::StrCat("workers/", worker.id));
      bucket.set_tokens(asked.tokens());
      bucket.set_burst(asked.burst());
      bucket.set_rate_per_s(asked.rate_per_s());
      bucket.set_has_budget(asked.has_budget());
    }
  }
  return buckets;
}

// Empty where no other host shares the limit.
std::string OverHosts(const RateLimitConfig& limit, const ExplainConnectionResponse& out) {
  if (!out.has_shared_rate()) return "";
  return absl::StrFormat("; of %g/s over %d hosts this one gives %.1f/s", limit.requests_per_second,
                         out.shared_rate().hosts_expected(), out.shared_rate().share_per_s());
}

}  // namespace

void CheckRate(const LiveRule& rule, const Endpoint& client, const View& view,
               const ClientReports& reports, ExplainConnectionResponse& out) {
  if (!rule.rate_limit || rule.rate_limit->enforce == RateLimitConfig::Enforce::kOff) return;
  const RateLimitConfig& limit = *rule.rate_limit;
  const auto [asked, full, local] = AddBuckets(reports, out);
  const std::optional<uint64_t> prefix = ClientPrefixOf(client.host(), limit);
  auto shared =
      prefix ? SharedRateOf(RateOwnerOf(rule), *prefix, limit, local, view) : std::nullopt;
  if (shared) *out.mutable_shared_rate() = *std::move(shared);
  const std::string hosts = OverHosts(limit, out);
  constexpr char kName[] = "rate_limit";
  if (asked == 0)
    return Add(kName, kDepends,
               reports.empty() ? kNobody : "no worker that answered has this limit yet", out);
  if (asked == full)
    return Add(
        kName, kPassed,
        absl::StrCat(asked == 1 ? "there is a token" : "every worker that answered has a token",
                     hosts),
        out);
  const bool shadow = limit.enforce == RateLimitConfig::Enforce::kShadow;
  const char* const counted = shadow ? "; it is only counted" : "";
  if (full > 0)
    return Add(kName, shadow ? kPassed : kDepends,
               absl::StrCat(full, " of ", asked, " workers have a token", counted, hosts), out);
  Add(kName, shadow ? kPassed : kRefused, absl::StrCat("no token is left", counted, hosts), out);
}

}  // namespace lb::controlplane::explain
