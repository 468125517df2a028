#include "controlplane/budget/bandwidth_ledger.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

namespace lb::controlplane {
namespace {

// Who is not throttled keeps this much of what it uses, so that it can grow.
constexpr double kRoom = 1.25;
// The least part of a limit that a worker in use gets: enough to show that it wants more.
constexpr double kLeastPart = 0.02;
// Of a newly measured rate in the one that is kept.
constexpr double kNewWeight = 0.5;
// A ratio that moved less than this is not sent anew until half of its time is over.
constexpr double kNews = 0.01;

// One worker's wish for one direction.
struct Wish {
  double bytes_per_s = 0;
  bool throttled = false;
  double connections = 1;
};

// The part of `limit` for each, which together are all of it. A limit of 0 gives everybody all.
std::vector<double> Divide(const std::vector<Wish>& wishes, double limit) {
  std::vector<double> parts(wishes.size(), 1);
  if (limit <= 0) return parts;
  double left = 1;
  double flows = 0;
  for (size_t i = 0; i < wishes.size(); ++i) {
    parts[i] = kLeastPart;
    if (!wishes[i].throttled)
      parts[i] = std::max(kLeastPart, kRoom * wishes[i].bytes_per_s / limit);
    else
      flows += wishes[i].connections;
    left -= parts[i];
  }
  if (left <= 0) {
    const double all = 1 - left;
    for (double& part : parts) part /= all;
    return parts;
  }
  // With nobody throttled what is left is for all alike.
  const bool any = flows > 0;
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (!any) parts[i] += left / static_cast<double>(wishes.size());
    if (any && wishes[i].throttled) parts[i] += left * wishes[i].connections / flows;
  }
  return parts;
}

bool Moved(double from, double to) { return std::abs(to - from) > kNews * std::max(from, to); }

}  // namespace

void BandwidthLedger::SetLimits(std::map<Owner, Limit> limits) {
  limits_ = std::move(limits);
  std::erase_if(uses_, [&](const auto& entry) {
    const auto& [rule, client, backend] = entry.first;
    return limits_.find({rule, !backend.empty()}) == limits_.end();
  });
  for (const auto& [name, uses] : uses_) changed_.insert(name);
}

void BandwidthLedger::SetWorkers(size_t all, size_t connected) {
  const double ratio = all == 0 ? 1 : static_cast<double>(connected) / static_cast<double>(all);
  if (std::exchange(connected_ratio_, ratio) == ratio) return;
  for (const auto& [name, uses] : uses_) changed_.insert(name);
}

void BandwidthLedger::Forget(const WorkerKey& worker) {
  for (auto& [name, uses] : uses_)
    if (uses.erase(worker) > 0) changed_.insert(name);
}

void BandwidthLedger::Report(const WorkerKey& worker, const worker::v1::RateReport& report,
                             Instant now) {
  for (const worker::v1::RateReport::Bandwidth& told : report.bandwidths()) Take(worker, told, now);
}

void BandwidthLedger::Take(const WorkerKey& worker, const worker::v1::RateReport::Bandwidth& told,
                           Instant now) {
  const auto limit = limits_.find({told.rule(), !told.backend().empty()});
  if (limit == limits_.end()) return;
  const Name name{told.rule(), told.prefix(), told.backend()};
  if (uses_.size() >= kMaxShared && uses_.find(name) == uses_.end()) return;
  Uses& uses = uses_[name];
  const auto [at, fresh] = uses.try_emplace(worker);
  Use& use = at->second;
  use.upload.throttled = told.upload_throttled();
  use.download.throttled = told.download_throttled();
  use.connections = std::max(told.connections(), 1u);
  changed_.insert(name);
  if (fresh) {
    // How much it needs is known after the next report; until then, an even part.
    const auto users = static_cast<double>(uses.size());
    use.upload = {told.upload_bytes_total(), limit->second.upload_bytes_per_s / users,
                  told.upload_throttled()};
    use.download = {told.download_bytes_total(), limit->second.download_bytes_per_s / users,
                    told.download_throttled()};
    use.at = now;
    return;
  }
  const Duration time = now - use.at;
  if (time < kMinInterval) return;  // The next one has these bytes too.
  Count(use.upload, told.upload_bytes_total(), time);
  Count(use.download, told.download_bytes_total(), time);
  use.at = now;
}

void BandwidthLedger::Count(Way& way, uint64_t bytes_total, Duration time) {
  // Bookings that were given back may make it smaller.
  const uint64_t bytes = bytes_total - std::min(bytes_total, way.bytes_total);
  const double rate = static_cast<double>(bytes) / std::chrono::duration<double>(time).count();
  way.bytes_per_s += kNewWeight * (rate - way.bytes_per_s);
  way.bytes_total = bytes_total;
}

void BandwidthLedger::EraseOld(Uses& uses, Instant now) {
  std::erase_if(uses, [&](const auto& entry) { return entry.second.at + kForgetAfter <= now; });
}

// Who stops is not reported again.
void BandwidthLedger::SweepSome(Instant now) {
  auto at = uses_.lower_bound(next_swept_);
  for (size_t i = 0; i < kSweep && at != uses_.end(); ++i) {
    EraseOld(at->second, now);
    at = at->second.empty() ? uses_.erase(at) : std::next(at);
  }
  next_swept_ = at == uses_.end() ? Name() : at->first;
}

std::vector<BandwidthLedger::ToWorker> BandwidthLedger::Settle(Instant now) {
  Messages messages;
  SweepSome(now);
  for (const Name& name : std::exchange(changed_, {})) {
    const auto found = uses_.find(name);
    if (found == uses_.end()) continue;
    EraseOld(found->second, now);
    if (found->second.empty())
      uses_.erase(found);
    else
      Share(name, found->second, now, messages);
  }
  std::vector<ToWorker> out;
  for (auto& [worker, sent] : messages)
    for (worker::v1::ConnectResponse& message : sent) out.push_back({worker, std::move(message)});
  return out;
}

void BandwidthLedger::Share(const Name& name, Uses& uses, Instant now, Messages& messages) {
  const auto& [rule, client, backend] = name;
  const Limit& limit = limits_.at({rule, !backend.empty()});
  std::vector<Wish> up;
  std::vector<Wish> down;
  for (const auto& [worker, use] : uses) {
    up.push_back({use.upload.bytes_per_s, use.upload.throttled, double{1} * use.connections});
    down.push_back({use.download.bytes_per_s, use.download.throttled, double{1} * use.connections});
  }
  const std::vector<double> up_parts = Divide(up, limit.upload_bytes_per_s * connected_ratio_);
  const std::vector<double> down_parts =
      Divide(down, limit.download_bytes_per_s * connected_ratio_);
  size_t i = 0;
  for (auto& [worker, use] : uses) {
    const double up_ratio =
        limit.upload_bytes_per_s > 0 ? std::min(1.0, up_parts[i] * connected_ratio_) : 1;
    const double down_ratio =
        limit.download_bytes_per_s > 0 ? std::min(1.0, down_parts[i] * connected_ratio_) : 1;
    ++i;
    const bool news = Moved(use.upload_ratio, up_ratio) || Moved(use.download_ratio, down_ratio) ||
                      now - use.sent_at >= kBudgetTtl / 2;
    if (!news) continue;
    use.upload_ratio = up_ratio;
    use.download_ratio = down_ratio;
    use.sent_at = now;
    std::vector<worker::v1::ConnectResponse>& sent = messages[worker];
    if (sent.empty() || sent.back().rates().bandwidths_size() >= kMaxBudgets) sent.emplace_back();
    worker::v1::RateGrant::Bandwidth& to = *sent.back().mutable_rates()->add_bandwidths();
    to.set_rule(rule);
    to.set_prefix(client);
    to.set_backend(backend);
    to.set_upload_ratio(up_ratio);
    to.set_download_ratio(down_ratio);
    to.mutable_ttl()->set_seconds(kBudgetTtl.count());
  }
}

}  // namespace lb::controlplane
