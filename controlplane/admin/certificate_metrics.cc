#include "controlplane/admin/certificate_metrics.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "controlplane/admin/certificate_answers.h"
#include "controlplane/tls/certificate_book.h"

namespace lb::controlplane {
namespace {

using Entry = CertificateBook::Entries::value_type;

constexpr std::array<const char*, 4> kKinds = {"server", "backend", "authority", "revocation"};
constexpr std::array<const char*, 5> kStates = {"valid", "expiring", "expired", "not_yet_valid",
                                                "refused"};

// Refused ones first, then those that end first; one without an end last.
auto Urgency(const Entry& entry) {
  const int64_t end_s = EndOf(entry.first, entry.second);
  return std::tuple(entry.second.problem.empty(), end_s == 0 ? INT64_MAX : end_s);
}

std::vector<const Entry*> Shown(const CertificateBook& book) {
  std::vector<const Entry*> all;
  for (const Entry& entry : book.entries()) all.push_back(&entry);
  if (all.size() <= kMaxCertificateSeries) return all;
  std::stable_sort(all.begin(), all.end(),
                   [](const Entry* a, const Entry* b) { return Urgency(*a) < Urgency(*b); });
  all.resize(kMaxCertificateSeries);
  return all;
}

double SecondsSinceEpoch(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

void AddCertificateMetrics(const View& view, std::vector<MetricFamily>& out) {
  using Type = MetricFamily::Type;
  MetricFamily count{
      "lb_certificates", "Files of TLS in force, or refused, by state.", Type::kGauge, {}};
  MetricFamily expire{"lb_certificate_expire_timestamp_seconds",
                      "When what the file holds ends, in seconds since the epoch.",
                      Type::kGauge,
                      {}};
  MetricFamily begin{"lb_certificate_begin_timestamp_seconds",
                     "When the time of what the file holds begins, in seconds since the epoch.",
                     Type::kGauge,
                     {}};
  MetricFamily refused{"lb_certificate_refused",
                       "1 if what is in the file now is refused, so that what was loaded stays, or "
                       "rules are left out where there is nothing.",
                       Type::kGauge,
                       {}};
  MetricFamily load{"lb_certificate_load_timestamp_seconds",
                    "When what the file holds came into force, in seconds since the epoch.",
                    Type::kGauge,
                    {}};
  std::array<double, kStates.size()> counts{};
  for (const auto& [key, entry] : view.certificates.entries())
    ++counts.at(static_cast<size_t>(StateOf(key, entry, view.clock.wall)));
  for (size_t i = 0; i < kStates.size(); ++i) count.Add({{"state", kStates.at(i)}}, counts.at(i));
  for (const Entry* shown : Shown(view.certificates)) {
    const CertificateKey& key = shown->first;
    const CertificateEntry& entry = shown->second;
    const std::vector<std::pair<std::string, std::string>> labels{
        {"file", key.file}, {"kind", kKinds.at(static_cast<size_t>(key.kind))}};
    const auto add = [&](const char* kind, const Lifetime& lifetime) {
      if (lifetime.end_s == 0) return;
      expire.Add({{"file", key.file}, {"kind", kind}}, static_cast<double>(lifetime.end_s));
      begin.Add({{"file", key.file}, {"kind", kind}}, static_cast<double>(lifetime.begin_s));
    };
    add(kKinds.at(static_cast<size_t>(key.kind)), LifetimeOf(key, entry));
    add("ocsp", ResponseLifetimeOf(entry));
    refused.Add(labels, entry.problem.empty() ? 0 : 1);
    if (!entry.id.empty()) load.Add(labels, SecondsSinceEpoch(entry.load_time));
  }
  for (MetricFamily* family : {&count, &expire, &begin, &refused, &load})
    out.push_back(std::move(*family));
}

}  // namespace lb::controlplane
