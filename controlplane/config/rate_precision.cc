#include "controlplane/config/rate_precision.h"

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

// Seconds of the rate that a burst should last: with less, some 2 to 4 % of the connections of a
// client just below its limit are refused when it changes workers.
constexpr double kMinBurstS = 0.5;
// Connections per second and worker below which a second of one worker holds too few to divide.
constexpr double kCoarsePerWorker = 2;
// A host with fewer divides nothing.
constexpr double kLeastWorkers = 2;

}  // namespace

void CheckRatePrecision(const YamlNode& section, const RateLimitConfig& limit,
                        const std::string& field, FindingList& findings) {
  const YamlNode* burst = section.Find("burst");
  if (burst != nullptr && burst->valid && limit.Burst() < kMinBurstS * limit.requests_per_second) {
    findings.Add(
        {.severity = Finding::Severity::kWarning,
         .code = codes::kSmallBurst,
         .span = burst->span,
         .field = absl::StrCat(field, ".burst"),
         .message = absl::StrCat("less than half a second of ", limit.requests_per_second,
                                 "/s: where several workers share the limit, clients "
                                 "below it are refused now and then"),
         .hint = absl::StrCat("set it to ", kMinBurstS * limit.requests_per_second, " or more")});
  }
  const YamlNode* rate = section.Find("requests_per_second");
  if (rate == nullptr || !rate->valid) return;
  if (limit.requests_per_second >= kCoarsePerWorker * kLeastWorkers) return;
  findings.Add({.severity = Finding::Severity::kWarning,
                .code = codes::kCoarseRate,
                .span = rate->span,
                .field = absl::StrCat(field, ".requests_per_second"),
                .message = "below 2/s for each worker it is kept in the long run, but single "
                           "seconds are off by half where several workers share it"});
}

}  // namespace lb::controlplane
