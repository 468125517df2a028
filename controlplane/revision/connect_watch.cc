#include "controlplane/revision/connect_watch.h"

namespace lb::controlplane {
namespace {

ConnectWatch::Counts CountsOf(const worker::v1::StatsReport::Backend& backend) {
  ConnectWatch::Counts counts{backend.connects_total(), 0};
  for (const auto& [reason, count] : backend.connect_failures_total()) counts.failures += count;
  return counts;
}

// A backend that went and came back counts from 0 again.
uint64_t Since(uint64_t last, uint64_t current) {
  return current >= last ? current - last : current;
}

}  // namespace

ConnectWatch::ConnectWatch(const std::map<WorkerKey, std::map<BackendKey, BackendTotals>>& before) {
  for (const auto& [key, backends] : before) {
    Worker& worker = workers_[key];
    worker.known = true;
    for (const auto& [backend, totals] : backends)
      worker.backends[backend] = {{totals.connects_total, totals.connect_failures_total}, true};
  }
}

void ConnectWatch::Report(const WorkerKey& key, const worker::v1::StatsReport& report, bool runs,
                          Instant now) {
  Worker& worker = workers_[key];
  if (runs && !worker.settled_at) worker.settled_at = now + kSettleTime;
  const bool settling = !worker.settled_at || now < *worker.settled_at;
  for (const worker::v1::StatsReport::Backend& reported : report.backends()) {
    if (reported.rule().size() > Totals::kMaxNameBytes ||
        reported.backend().size() > Totals::kMaxNameBytes)
      continue;
    const BackendKey name{reported.rule(), reported.backend()};
    if (worker.backends.size() >= Totals::kMaxEntries && !worker.backends.contains(name)) continue;
    const auto [at, fresh] = worker.backends.try_emplace(name);
    Backend& backend = at->second;
    if (fresh) backend.old = settling && (!worker.known || !runs);
    const Counts last = backend.last;
    backend.last = CountsOf(reported);
    if (settling && backend.old) continue;
    Counts& sum = rules_[reported.rule()];
    sum.connects += Since(last.connects, backend.last.connects);
    sum.failures += Since(last.failures, backend.last.failures);
  }
}

}  // namespace lb::controlplane
