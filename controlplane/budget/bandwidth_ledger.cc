#include "controlplane/budget/bandwidth_ledger.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

#include "controlplane/budget/bandwidth_division.h"

namespace lb::controlplane {
namespace {

// Of a newly measured rate in the one that is kept.
constexpr double kNewWeight = 0.5;
// A ratio that moved less than this is not sent anew until half of its time is over.
constexpr double kNews = 0.01;

bool Moved(double from, double to) { return std::abs(to - from) > kNews * std::max(from, to); }

}  // namespace

void BandwidthLedger::SetLimits(std::map<Owner, Limit> limits) {
  limits_ = std::move(limits);
  std::erase_if(uses_, [&](const auto& entry) {
    const auto& [rule, client, backend] = entry.first;
    return limits_.find({rule, !backend.empty()}) == limits_.end();
  });
  shared_.clear();
  for (auto& [name, entry] : uses_) {
    changed_.insert(name);
    if (LimitOf(name).shared)
      shared_.emplace(IdOf(name), name);
    else
      entry.told_at.reset();
  }
  std::erase_if(news_, [&](BandwidthId id) { return !shared_.contains(id); });
}

const BandwidthLedger::Limit& BandwidthLedger::LimitOf(const Name& name) const {
  const auto& [rule, client, backend] = name;
  return limits_.at({rule, !backend.empty()});
}

void BandwidthLedger::SetWorkers(size_t all, size_t connected) {
  const double ratio = all == 0 ? 1 : static_cast<double>(connected) / static_cast<double>(all);
  if (std::exchange(connected_ratio_, ratio) == ratio) return;
  for (const auto& [name, entry] : uses_) changed_.insert(name);
}

void BandwidthLedger::Forget(const WorkerKey& worker) {
  for (auto& [name, entry] : uses_)
    if (entry.uses.erase(worker) > 0) changed_.insert(name);
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
  const auto [entry, begins] = uses_.try_emplace(name);
  if (begins && limit->second.shared) NoteShared(name);
  Uses& uses = entry->second.uses;
  const auto [at, fresh] = uses.try_emplace(worker);
  Use& use = at->second;
  use.upload.throttled = told.upload_throttled();
  use.download.throttled = told.download_throttled();
  use.connections = std::max(told.connections(), 1u);
  changed_.insert(name);
  if (fresh) {
    // How much it needs is known after the next report; until then, an even part.
    size_t users = uses.size();
    if (limit->second.shared) users += hosts_.Of(IdOf(name), now).size();
    use.upload = {told.upload_bytes_total(),
                  limit->second.upload_bytes_per_s / static_cast<double>(users),
                  told.upload_throttled()};
    use.download = {told.download_bytes_total(),
                    limit->second.download_bytes_per_s / static_cast<double>(users),
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
    EraseOld(at->second.uses, now);
    at = at->second.uses.empty() ? Erase(at) : std::next(at);
  }
  next_swept_ = at == uses_.end() ? Name() : at->first;
}

std::vector<BandwidthLedger::ToWorker> BandwidthLedger::Settle(Instant now) {
  Messages messages;
  SweepSome(now);
  for (const Name& name : std::exchange(changed_, {})) {
    const auto found = uses_.find(name);
    if (found == uses_.end()) continue;
    EraseOld(found->second.uses, now);
    if (found->second.uses.empty())
      Erase(found);
    else
      Share(name, found->second, now, messages);
  }
  std::vector<ToWorker> out;
  for (auto& [worker, sent] : messages)
    for (worker::v1::ConnectResponse& message : sent) out.push_back({worker, std::move(message)});
  return out;
}

std::vector<double> BandwidthLedger::Divide(const Name& name, const Entry& entry, Way Use::*way,
                                            BandwidthUse::Way BandwidthUse::*way_of_host,
                                            double bytes_per_s, Instant now) const {
  std::vector<double> ratios(entry.uses.size(), 1);
  if (bytes_per_s <= 0) return ratios;
  const bool shared = LimitOf(name).shared;
  const double free_ratio = shared ? cluster_.free_ratio : connected_ratio_;
  std::vector<BandwidthWish> wishes;
  for (const auto& [worker, use] : entry.uses)
    wishes.push_back({(use.*way).bytes_per_s, (use.*way).throttled, double{1} * use.connections});
  if (shared)
    for (const BandwidthUse& use : hosts_.Of(IdOf(name), now))
      wishes.push_back({(use.*way_of_host).bytes_per_s, (use.*way_of_host).throttled,
                        double{1} * use.connections, double{1} * use.workers});
  const std::vector<double> parts = DivideBandwidth(wishes, bytes_per_s * free_ratio);
  const bool unanswered =
      shared && cluster_.has_others && !(entry.told_at && now >= *entry.told_at + kAnswerAfter);
  for (size_t i = 0; i < ratios.size(); ++i)
    ratios[i] = std::min(unanswered ? cluster_.even_ratio : 1, parts[i] * free_ratio);
  return ratios;
}

void BandwidthLedger::Share(const Name& name, Entry& entry, Instant now, Messages& messages) {
  const Limit& limit = LimitOf(name);
  const std::vector<double> up =
      Divide(name, entry, &Use::upload, &BandwidthUse::upload, limit.upload_bytes_per_s, now);
  const std::vector<double> down =
      Divide(name, entry, &Use::download, &BandwidthUse::download, limit.download_bytes_per_s, now);
  size_t i = 0;
  for (auto& [worker, use] : entry.uses) {
    const double up_ratio = up[i];
    const double down_ratio = down[i];
    ++i;
    const bool news = Moved(use.upload_ratio, up_ratio) || Moved(use.download_ratio, down_ratio) ||
                      now - use.sent_at >= kBudgetTtl / 2;
    if (!news) continue;
    use.upload_ratio = up_ratio;
    use.download_ratio = down_ratio;
    use.sent_at = now;
    Send(name, use, messages[worker]);
  }
}

void BandwidthLedger::Send(const Name& name, const Use& use,
                           std::vector<worker::v1::ConnectResponse>& to) {
  if (to.empty() || to.back().rates().bandwidths_size() >= kMaxBudgets) to.emplace_back();
  worker::v1::RateGrant::Bandwidth& budget = *to.back().mutable_rates()->add_bandwidths();
  const auto& [rule, client, backend] = name;
  budget.set_rule(rule);
  budget.set_prefix(client);
  budget.set_backend(backend);
  budget.set_upload_ratio(use.upload_ratio);
  budget.set_download_ratio(use.download_ratio);
  budget.mutable_ttl()->set_seconds(kBudgetTtl.count());
}

}  // namespace lb::controlplane
