#include "controlplane/budget/rate_parts.h"

#include <algorithm>
#include <utility>

namespace lb::controlplane {

void RateParts::Restore(const WorkerKey& worker) {
  workers_.try_emplace(worker);
  const double even = 1 / static_cast<double>(workers_.size());
  for (auto& [key, known] : workers_) known.fallback_ratio = known.host_ratio = even;
  Changed();
}

void RateParts::Connect(const WorkerKey& worker, Instant now) {
  Worker& known = workers_[worker];
  known.connected = true;
  known.brought_ratio = known.fallback_ratio;
  known.stream = ++streams_;
  known.connected_at = now;
  Changed();
}

void RateParts::Disconnect(const WorkerKey& worker) {
  const auto at = workers_.find(worker);
  if (at == workers_.end()) return;
  at->second.connected = false;
  Changed();
}

bool RateParts::Forget(const WorkerKey& worker) {
  if (workers_.erase(worker) == 0) return false;
  Changed();
  return true;
}

void RateParts::SetDraining(const WorkerKey& worker, bool draining) {
  const auto at = workers_.find(worker);
  if (at == workers_.end() || std::exchange(at->second.draining, draining) == draining) return;
  Changed();
}

void RateParts::BeginStreams(Instant now) {
  for (auto& [key, worker] : workers_) {
    worker.stream = ++streams_;
    worker.brought_ratio = 0;
    worker.connected_at = now;
  }
}

void RateParts::Changed() {
  serving_.clear();
  double kept = 0;
  double host_kept = 0;
  for (auto& [key, worker] : workers_) {
    worker.told = false;
    if (worker.draining) continue;
    if (worker.connected) {
      serving_.push_back(key);
      continue;
    }
    kept += worker.fallback_ratio;
    host_kept += worker.host_ratio;
  }
  const double least = kLeastPart * static_cast<double>(std::max<size_t>(serving_.size(), 1)) /
                       static_cast<double>(std::max<size_t>(workers_.size(), 1));
  kept_ratio_ = kept;
  free_ratio_ = others_.side_ratio * std::clamp(1 - kept - others_.kept_ratio, least, 1.0);
  host_free_ratio_ = std::clamp(1 - host_kept, least, 1.0);
}

void RateParts::SetOthers(const Others& others) {
  if (others == others_) return;
  others_ = others;
  Changed();
}

void RateParts::SetOvercommit(double overcommit) {
  if (std::exchange(overcommit_, overcommit) != overcommit) Changed();
}

double RateParts::AllServing() const {
  return std::max(static_cast<double>(serving_.size()) + others_.serving, 1.0);
}

const RateParts::Worker* RateParts::FindConnected(const WorkerKey& worker) const {
  const auto at = workers_.find(worker);
  return at == workers_.end() || !at->second.connected ? nullptr : &at->second;
}

std::vector<WorkerKey> RateParts::TakeUntold() {
  const Told now = told();
  std::vector<WorkerKey> untold;
  for (auto& [key, worker] : workers_) {
    if (!worker.connected || std::exchange(worker.told, true)) continue;
    worker.fallback_ratio = now.fallback_ratio;
    worker.host_ratio = now.host_ratio;
    untold.push_back(key);
  }
  return untold;
}

bool RateParts::untold() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker.second.connected && !worker.second.told;
  });
}

RateParts::Told RateParts::told() const {
  const double serving = AllServing();
  // One that drains keeps its open connections: their bandwidth has a part too.
  const auto connected_here = static_cast<double>(std::max<size_t>(connected(), 1));
  const bool alone = serving == 1 && free_ratio_ == 1;
  return {.quiet_ratio = free_ratio_ * std::min(1.0, Overcommit() / serving),
          .fallback_ratio = free_ratio_ / (connected_here + others_.serving),
          .report_ratio = alone ? 0 : kReportPart * free_ratio_ / serving,
          .host_ratio = host_free_ratio_ / connected_here};
}

SharedLimit RateParts::ShareOf(double rate_per_s, double burst) const {
  const double serving = AllServing();
  return {.rate_per_s = rate_per_s * free_ratio_,
          .burst = std::max(1.0, burst * free_ratio_),
          .quiet_ratio = std::min(1.0, Overcommit() / serving),
          .members = serving,
          .floor_ratio = others_.floor_ratio};
}

std::vector<WorkerKey> RateParts::Connected() const {
  std::vector<WorkerKey> connected;
  for (const auto& [key, worker] : workers_)
    if (worker.connected) connected.push_back(key);
  return connected;
}

size_t RateParts::connected() const {
  return static_cast<size_t>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const auto& worker) { return worker.second.connected; }));
}

}  // namespace lb::controlplane
