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

std::optional<OutlierBook::Summary> OutlierBook::Sum(const Known& known, Instant now) {
  Summary summary;
  for (const auto& [worker, ejection] : known.workers) {
    if (ejection.until <= now) continue;
    if (++summary.workers == 1 || ejection.until > summary.longest.until)
      summary.longest = ejection;
  }
  return summary.workers == 0 ? std::nullopt : std::optional<Summary>(summary);
}

void OutlierBook::Compare(const BackendKey& backend, Known& known, Instant now,
                          std::vector<Change>& changes) {
  const std::optional<Summary> summary = Sum(known, now);
  if (summary.has_value() == known.ejected) return;
  known.ejected = summary.has_value();
  changes.push_back({backend, known.ejected, summary ? summary->longest : Ejection{}});
}

std::vector<OutlierBook::Change> OutlierBook::Report(const WorkerKey& worker,
                                                     const StatsReport& report,
                                                     const LiveRules& live, Instant now) {
  std::vector<Change> changes;
  for (const StatsReport::Backend& backend : report.backends()) {
    const BackendKey key{backend.rule(), backend.backend()};
    auto known = known_.find(key);
    if (backend.has_ejection()) {
      if (!Detects(live, key)) continue;
      if (known == known_.end()) known = known_.emplace(key, Known()).first;
      auto& workers = known->second.workers;
      // Told again, the same one ends when it was said first: what is left is rounded.
      if (const auto told = workers.find(worker);
          told == workers.end() || told->second.number != backend.ejections_total())
        workers[worker] = FromReport(backend, now);
    } else if (known == known_.end() || known->second.workers.erase(worker) == 0) {
      continue;
    }
    Compare(key, known->second, now, changes);
    if (known->second.workers.empty()) known_.erase(known);
  }
  return changes;
}

std::vector<OutlierBook::Change> OutlierBook::Forget(const WorkerKey& worker, Instant now) {
  std::vector<Change> changes;
  for (auto it = known_.begin(); it != known_.end();) {
    it->second.workers.erase(worker);
    Compare(it->first, it->second, now, changes);
    it = it->second.workers.empty() ? known_.erase(it) : std::next(it);
  }
  return changes;
}

std::vector<OutlierBook::Change> OutlierBook::Step(Instant now) {
  std::vector<Change> changes;
  for (auto& [backend, known] : known_) Compare(backend, known, now, changes);
  return changes;
}

Instant OutlierBook::NextDeadline() const {
  Instant next = Instant::max();
  for (const auto& [backend, known] : known_) {
    if (!known.ejected) continue;
    Instant over = Instant::min();
    for (const auto& [worker, ejection] : known.workers) over = std::max(over, ejection.until);
    next = std::min(next, over);
  }
  return next;
}

void OutlierBook::Keep(const LiveRules& live) {
  std::erase_if(known_, [&](const auto& entry) { return !Detects(live, entry.first); });
}

std::optional<OutlierBook::Summary> OutlierBook::Find(const BackendKey& backend,
                                                      Instant now) const {
  const auto known = known_.find(backend);
  return known == known_.end() ? std::nullopt : Sum(known->second, now);
}

}  // namespace lb::controlplane
