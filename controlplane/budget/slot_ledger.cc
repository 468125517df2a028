#include "controlplane/budget/slot_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

absl::Status TooMany(size_t count) {
  return absl::ResourceExhaustedError(
      absl::StrCat(count, " slot entries, more than ", SlotLedger::kMaxEntries));
}

std::map<BackendKey, uint64_t> LimitsOf(const LiveRules& rules) {
  std::map<BackendKey, uint64_t> limits;
  for (const LiveRule& rule : rules) {
    if (rule.max_connections != 0) limits.emplace(BackendKey{rule.name, ""}, rule.max_connections);
    for (const LiveBackend& backend : rule.backends)
      if (backend.max_connections != 0)
        limits.emplace(BackendKey{rule.name, backend.name}, backend.max_connections);
  }
  return limits;
}

// Whether some worker is believed to want more than it holds.
bool AnyWaits(const SlotPool& pool, Instant now) {
  return std::any_of(pool.shares().begin(), pool.shares().end(), [&](const auto& entry) {
    return entry.second.demand(now) > entry.second.held;
  });
}

}  // namespace

void SlotLedger::Restore(const state::v1::StoredState::Worker& worker) {
  const WorkerKey key{worker.id(), worker.incarnation()};
  Holder& holder = holders_[key];
  for (const state::v1::StoredState::Exposure& exposure : worker.exposures())
    ShareOf(key, holder, {exposure.rule(), exposure.backend()}).applied = exposure.slots();
}

void SlotLedger::SetLimits(const LiveRules& rules) {
  const std::map<BackendKey, uint64_t> limits = LimitsOf(rules);
  for (const auto& [key, limit] : limits) pools_.try_emplace(key);
  for (auto& [key, pool] : pools_) {
    const auto it = limits.find(key);
    const uint64_t limit = it == limits.end() ? 0 : it->second;
    if (pool.limit() != limit) dirty_.insert(key);
    pool.SetLimit(limit);
  }
  for (auto& [worker, holder] : holders_) {
    holder.synced = false;
    if (!holder.connected) continue;
    for (const auto& [key, limit] : limits)
      if (Takes(holder, key)) ShareOf(worker, holder, key);
  }
}

void SlotLedger::SetRights(const BackendKey& key, std::optional<uint64_t> rights) {
  const auto it = pools_.find(key);
  if (it == pools_.end() || it->second.rights() == rights) return;
  it->second.SetRights(rights);
  dirty_.insert(key);
}

SlotLedger::Use SlotLedger::UseOf(const BackendKey& key, Instant now) const {
  Use use;
  const auto it = pools_.find(key);
  if (it == pools_.end()) return use;
  for (const auto& [worker, share] : it->second.shares()) {
    use.held += share.held;
    use.wanted += share.demand(now);
  }
  return use;
}

void SlotLedger::Connect(const WorkerKey& worker, const worker::v1::Hello& hello, Instant now) {
  Holder& holder = holders_[worker];
  holder.connected = true;
  holder.synced = false;
  holder.next_seq = kFirstSeq;
  holder.rule_limits = std::find(hello.features().begin(), hello.features().end(),
                                 kFeatureRuleLimit) != hello.features().end();
  // Whatever the hello does not name is unknown until the first grants of this session are applied.
  for (const BackendKey& key : holder.limits) {
    SlotShare& share = pools_[key].ShareOf(worker);
    share.unanswered = {{kCarriedSeq, share.exposure()}};
    share.held = 0;
  }
  std::set<BackendKey> named;
  for (const worker::v1::SlotEntry& entry : hello.slots()) {
    named.insert({entry.rule(), entry.backend()});
    SlotShare& share = ShareOf(worker, holder, {entry.rule(), entry.backend()});
    share = SlotShare{};
    share.applied = entry.granted();
    share.held = entry.held();
    share.wanted = entry.wanted();
    share.wanted_at = now;
  }
  for (auto& [key, pool] : pools_) {
    const bool has_share = holder.limits.contains(key);
    if (!has_share && (pool.limit() == 0 || !Takes(holder, key))) continue;
    SlotShare& share = ShareOf(worker, holder, key);
    share.must_send = true;
    if (!named.contains(key)) share.began_at = now;
    pool.SetConnected(worker, true);
    dirty_.insert(key);
  }
  changed_ = true;
}

void SlotLedger::Inherit(const WorkerKey& from, const worker::v1::Hello& hello) {
  const auto holder = holders_.find(from);
  if (holder == holders_.end() || holder->second.connected) return;
  for (const worker::v1::SlotEntry& entry : hello.slots()) {
    const BackendKey key{entry.rule(), entry.backend()};
    if (!holder->second.limits.contains(key)) continue;
    SlotShare& share = pools_.at(key).ShareOf(from);
    const uint64_t left = share.exposure() - std::min(share.exposure(), entry.granted());
    share = SlotShare{};
    share.applied = left;
    dirty_.insert(key);
    changed_ = true;
  }
}

void SlotLedger::Disconnect(const WorkerKey& worker) {
  const auto it = holders_.find(worker);
  if (it == holders_.end()) return;
  it->second.connected = false;
  for (const BackendKey& key : it->second.limits) {
    pools_[key].SetConnected(worker, false);
    dirty_.insert(key);
  }
}

void SlotLedger::Forget(const WorkerKey& worker) {
  const auto it = holders_.find(worker);
  if (it == holders_.end()) return;
  for (const BackendKey& key : it->second.limits) {
    pools_[key].Forget(worker);
    dirty_.insert(key);
  }
  holders_.erase(it);
  changed_ = true;
}

void SlotLedger::Synced(const WorkerKey& worker) {
  Holder& holder = holders_.at(worker);
  if (std::exchange(holder.synced, true)) return;
  for (const BackendKey& key : holder.limits)
    if (pools_.at(key).limit() == 0) dirty_.insert(key);
}

absl::Status SlotLedger::Report(const WorkerKey& worker, const worker::v1::SlotReport& report,
                                Instant now) {
  Holder& holder = holders_.at(worker);
  const size_t count = static_cast<size_t>(report.entries_size()) + holder.limits.size();
  if (count > 2 * kMaxEntries) return TooMany(count);
  if (report.seq() >= holder.next_seq)
    return absl::FailedPreconditionError(
        absl::StrCat("report on slot grant ", report.seq(), ", which was not sent"));
  for (const BackendKey& key : holder.limits) {
    SlotShare& share = pools_.at(key).ShareOf(worker);
    if (share.unanswered.empty() || share.unanswered.front().first > report.seq()) continue;
    const uint64_t before = share.exposure();
    share.Answered(report.seq());
    changed_ |= share.exposure() != before;
    dirty_.insert(key);
  }
  for (const worker::v1::SlotEntry& entry : report.entries()) {
    const BackendKey key{entry.rule(), entry.backend()};
    SlotShare& share = ShareOf(worker, holder, key);
    const uint64_t before = share.exposure();
    share.applied = entry.granted();
    share.held = entry.held();
    share.Want(entry.wanted(), now);
    if (share.wanted > share.held && fading_.insert(key).second)
      fading_order_.emplace_back(now + SlotShare::kWantedFresh, key);
    changed_ |= share.exposure() != before;
    dirty_.insert(key);
  }
  return absl::OkStatus();
}

std::vector<SlotLedger::ToWorker> SlotLedger::Settle(SlotPool::Raise raise, Instant now) {
  Grants grants;
  raise_waits_ = false;
  while (!fading_order_.empty() && fading_order_.front().first < now) {
    const BackendKey key = std::move(fading_order_.front().second);
    fading_order_.pop_front();
    dirty_.insert(key);
    const auto it = pools_.find(key);
    if (it != pools_.end() && AnyWaits(it->second, now))  // One that reported later.
      fading_order_.emplace_back(now + SlotShare::kWantedFresh, key);
    else
      fading_.erase(key);
  }
  const std::set<BackendKey> dirty = std::exchange(dirty_, {});
  for (const BackendKey& key : dirty) SettleOne(key, raise, now, grants);
  std::vector<ToWorker> out;
  for (const auto& [worker, entries] : grants) Send(worker, entries, out);
  return out;
}

Instant SlotLedger::NextDeadline() const {
  return fading_order_.empty() ? Instant::max() : fading_order_.front().first + Duration(1);
}

bool SlotLedger::Starves(const WorkerKey& worker) const {
  const Holder& holder = holders_.at(worker);
  return std::any_of(holder.limits.begin(), holder.limits.end(), [&](const BackendKey& key) {
    const SlotPool& pool = pools_.at(key);
    const SlotShare& share = pool.shares().at(worker);
    return pool.limit() != 0 && share.target > 0 && share.granted() == 0;
  });
}

void SlotLedger::Store(const WorkerKey& worker, state::v1::StoredState::Worker& out) const {
  const auto it = holders_.find(worker);
  if (it == holders_.end()) return;
  for (const BackendKey& key : it->second.limits) {
    const uint64_t slots = pools_.at(key).shares().at(worker).exposure();
    if (slots == 0) continue;
    state::v1::StoredState::Exposure& exposure = *out.add_exposures();
    exposure.set_rule(key.rule);
    exposure.set_backend(key.backend);
    exposure.set_slots(slots);
  }
}

uint64_t SlotLedger::TotalExposure(const BackendKey& key) const {
  const auto it = pools_.find(key);
  return it == pools_.end() ? 0 : it->second.TotalExposure();
}

SlotShare& SlotLedger::ShareOf(const WorkerKey& worker, Holder& holder, const BackendKey& key) {
  SlotPool& pool = pools_[key];
  if (holder.limits.insert(key).second && holder.connected) pool.SetConnected(worker, true);
  return pool.ShareOf(worker);
}

void SlotLedger::SettleOne(const BackendKey& key, SlotPool::Raise raise, Instant now,
                           Grants& grants) {
  const auto it = pools_.find(key);
  if (it == pools_.end()) return;
  SlotPool& pool = it->second;
  if (pool.limit() == 0) {
    TakeBack(key, pool, grants);
    return;
  }
  const SlotPool::Settled settled = pool.Settle(raise, now);
  for (const SlotPool::Grant& grant : settled.grants)
    grants[grant.worker].emplace_back(key, grant.slots);
  if (settled.raise_waits) dirty_.insert(key);
  raise_waits_ |= settled.raise_waits;
}

void SlotLedger::TakeBack(const BackendKey& key, SlotPool& pool, Grants& grants) {
  std::vector<WorkerKey> before;
  for (const auto& [worker, share] : pool.shares()) before.push_back(worker);
  for (const WorkerKey& worker : before) {
    const Holder& holder = holders_.at(worker);
    if (!holder.connected || !holder.synced) continue;
    const std::optional<SlotPool::Grant> grant = pool.TakeBack(worker);
    if (grant) grants[worker].emplace_back(key, 0);
  }
  const bool empty = pool.Shrink();
  for (const WorkerKey& worker : before)
    if (!pool.shares().contains(worker)) holders_.at(worker).limits.erase(key);
  if (empty) pools_.erase(key);
}

void SlotLedger::Send(const WorkerKey& worker,
                      const std::vector<std::pair<BackendKey, uint64_t>>& entries,
                      std::vector<ToWorker>& out) {
  Holder& holder = holders_.at(worker);
  size_t bytes = kGrantBytes;
  worker::v1::SlotGrant* message = nullptr;
  for (const auto& [key, slots] : entries) {
    if (bytes >= kGrantBytes) {
      out.push_back({worker, {}});
      message = out.back().message.mutable_slots();
      message->set_seq(holder.next_seq++);
      bytes = 0;
    }
    worker::v1::SlotGrant::Entry& entry = *message->add_entries();
    entry.set_rule(key.rule);
    entry.set_backend(key.backend);
    entry.set_slots(slots);
    bytes += entry.ByteSizeLong();
    SlotPool& pool = pools_.at(key);
    const uint64_t before = pool.ShareOf(worker).exposure();
    pool.Sent({worker, slots}, message->seq());
    changed_ |= pool.ShareOf(worker).exposure() != before;
  }
}

}  // namespace lb::controlplane
