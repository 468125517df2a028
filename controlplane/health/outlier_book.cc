#include "controlplane/health/outlier_book.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace lb::controlplane {
namespace {

using worker::v1::StatsReport;

bool Detects(const LiveRules& live, const BackendKey& key) {
  const LiveRule* rule = FindRule(live, key.rule);
  return rule != nullptr && rule->outlier_detection && FindBackend(*rule, key.backend) != nullptr;
}

OutlierBook::Ejection FromReport(const StatsReport::Backend& backend, Instant now) {
  const google::protobuf::Duration& left = backend.ejection().returns_in();
  // What is out of range is cut, so that no sum overflows.
  constexpr int64_t kLongestS = std::chrono::seconds(std::chrono::hours(24 * 3'650)).count();
  const int64_t seconds = std::clamp<int64_t>(left.seconds(), 0, kLongestS);
  const Duration until = std::chrono::seconds(seconds) + std::chrono::nanoseconds(left.nanos());
  return {.reason = backend.ejection().reason().substr(0, OutlierBook::kMaxReasonBytes),
          .failures = backend.ejection().failures(),
          .until = now + until,
          .number = backend.ejections_total()};
}

}  // namespace

std::vector<OutlierBook::Change> OutlierBook::Report(const WorkerKey& worker,
                                                     const StatsReport& report,
                                                     const LiveRules& live, Instant now) {
  std::vector<Change> changes;
  for (const StatsReport::Backend& backend : report.backends()) {
    const BackendKey key{backend.rule(), backend.backend()};
    if (backend.has_ejection()) {
      if (!Detects(live, key)) continue;
      auto& workers = ejected_[key];
      Ejection ejection = FromReport(backend, now);
      if (workers.empty()) changes.push_back({key, true, ejection});
      // Told again, the same one ends when it was said first: what is left is rounded.
      if (const auto known = workers.find(worker);
          known == workers.end() || known->second.number != ejection.number)
        workers[worker] = std::move(ejection);
      continue;
    }
    const auto known = ejected_.find(key);
    if (known == ejected_.end() || known->second.erase(worker) == 0) continue;
    if (!known->second.empty()) continue;
    ejected_.erase(known);
    changes.push_back({.backend = key});
  }
  return changes;
}

std::vector<OutlierBook::Change> OutlierBook::Forget(const WorkerKey& worker) {
  std::vector<Change> changes;
  for (auto it = ejected_.begin(); it != ejected_.end();) {
    const bool last = it->second.erase(worker) > 0 && it->second.empty();
    if (last) changes.push_back({.backend = it->first});
    it = last ? ejected_.erase(it) : std::next(it);
  }
  return changes;
}

void OutlierBook::Keep(const LiveRules& live) {
  std::erase_if(ejected_, [&](const auto& entry) { return !Detects(live, entry.first); });
}

std::optional<OutlierBook::Summary> OutlierBook::Find(const BackendKey& backend) const {
  const auto known = ejected_.find(backend);
  if (known == ejected_.end()) return std::nullopt;
  Summary summary{.workers = static_cast<uint32_t>(known->second.size()),
                  .longest = known->second.begin()->second};
  for (const auto& [worker, ejection] : known->second)
    if (ejection.until > summary.longest.until) summary.longest = ejection;
  return summary;
}

}  // namespace lb::controlplane
