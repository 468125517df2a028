#include "controlplane/budget/slot_ledger.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "controlplane/budget/water_fill.h"

namespace lb::controlplane {
namespace {

// An idle worker among busy ones keeps one part in kFloorParts of its even share, at least one
// slot, so that its next clients are served while rights move to it.
constexpr uint64_t kFloorParts = 16;

// A demand shifted this far is zero.
constexpr uint64_t kMaxHalvings = 63;

}  // namespace

uint64_t SlotLedger::Share::Exposure() const {
  uint64_t most = std::max(granted, held);
  for (const auto& [seq, slots] : unanswered) most = std::max(most, slots);
  return most;
}

uint64_t SlotLedger::Share::Demand(Instant now) const {
  const auto halvings = static_cast<uint64_t>(std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(now - wanted_at) / kDemandHalfLife));
  return std::max(held, halvings > kMaxHalvings ? 0 : wanted >> halvings);
}

void SlotLedger::Share::Answer(uint64_t seq) {
  const auto end = unanswered.upper_bound(seq);
  if (end == unanswered.begin()) return;
  granted = std::prev(end)->second;
  unanswered.erase(unanswered.begin(), end);
}

void SlotLedger::Share::Sent(uint64_t seq, uint64_t slots) {
  sent = slots;
  // An older grant that is not larger is outlived by this one: it no longer matters.
  std::erase_if(unanswered, [slots](const auto& older) { return older.second <= slots; });
  unanswered[seq] = slots;
}

void SlotLedger::SetLimits(std::map<BackendKey, uint64_t> limits) {
  limits_ = std::move(limits);
  TouchAll();
}

void SlotLedger::TouchAll() {
  for (const auto& [key, limit] : limits_) touched_.insert(touched_.end(), key);
}

void SlotLedger::Restore(const WorkerKey& worker, const Exposures& exposures, Instant now) {
  Worker& entry = workers_[worker];
  LB_CHECK(!entry.connected);
  entry.restored = true;
  entry.rejoin_until = now + kRejoinWait;
  for (const auto& [key, slots] : exposures) entry.shares[key].granted = slots;
}

void SlotLedger::Connect(const WorkerKey& worker, const Entries& entries, Instant now) {
  Worker& entry = workers_[worker];
  // What an earlier stream carried either was applied before this hello or never will be.
  entry = Worker{};
  entry.connected = true;
  TakeEntries(entry, 0, entries, now);
  TouchAll();
}

void SlotLedger::Report(const WorkerKey& worker, uint64_t seq, const Entries& entries,
                        Instant now) {
  const auto it = workers_.find(worker);
  if (it == workers_.end() || !it->second.connected) return;
  TakeEntries(it->second, seq, entries, now);
}

void SlotLedger::TakeEntries(Worker& worker, uint64_t seq, const Entries& entries, Instant now) {
  if (seq > worker.answered) {
    worker.answered = std::min(seq, worker.seq);
    for (auto& [key, share] : worker.shares) share.Answer(worker.answered);
  }
  for (const worker::v1::SlotEntry& entry : entries) {
    const BackendKey key{entry.rule(), entry.backend()};
    Share& share = worker.shares[key];
    share.granted = entry.granted();
    share.held = entry.held();
    // A worker that runs on something else than it was told (it lost a grant) is told again.
    if (share.unanswered.empty()) share.sent = entry.granted();
    // More than the whole limit is no more than the whole limit: it would only fade later.
    const auto limit = limits_.find(key);
    const uint64_t wanted =
        limit == limits_.end() ? entry.wanted() : std::min(entry.wanted(), limit->second);
    if (wanted >= share.Demand(now)) {
      share.wanted = wanted;
      share.wanted_at = now;
    }
    touched_.insert(key);
  }
}

void SlotLedger::Disconnect(const WorkerKey& worker) {
  const auto it = workers_.find(worker);
  if (it != workers_.end()) it->second.connected = false;
  TouchAll();
}

void SlotLedger::Remove(const WorkerKey& worker) {
  workers_.erase(worker);
  TouchAll();
}

bool SlotLedger::MayRaise(Instant now) {
  for (const auto& [name, worker] : workers_) {
    if (!worker.restored || worker.connected || now >= worker.rejoin_until) continue;
    next_deadline_ = std::min(next_deadline_, worker.rejoin_until);
    return false;
  }
  return true;
}

std::vector<SlotLedger::Grant> SlotLedger::Rebalance(Instant now) {
  next_deadline_ = Instant::max();
  Messages messages;
  for (const BackendKey& key : std::exchange(touched_, {})) {
    const auto limit = limits_.find(key);
    if (limit != limits_.end()) RebalanceOne(key, limit->second, now, messages);
  }
  std::vector<Grant> grants;
  for (auto& [name, message] : messages) {
    message.set_seq(workers_.at(name).seq);
    grants.push_back({name, std::move(message)});
  }
  return grants;
}

void SlotLedger::RebalanceOne(const BackendKey& key, uint64_t limit, Instant now,
                              Messages& messages) {
  std::vector<std::pair<const WorkerKey*, Worker*>> connected;
  uint64_t exposed_elsewhere = 0;
  for (auto& [name, worker] : workers_) {
    if (worker.connected) {
      connected.emplace_back(&name, &worker);
    } else if (const auto share = worker.shares.find(key); share != worker.shares.end()) {
      exposed_elsewhere += share->second.Exposure();
    }
  }
  if (connected.empty()) return;
  const uint64_t available = limit - std::min(limit, exposed_elsewhere);
  const uint64_t floor = std::max<uint64_t>(1, limit / connected.size() / kFloorParts);
  std::vector<uint64_t> demands;
  for (const auto& [name, worker] : connected) {
    const Share& share = worker->shares[key];
    demands.push_back(std::clamp(share.Demand(now), floor, std::max(floor, limit)));
    if (connected.size() > 1 && share.Demand(now) > share.held) {
      next_deadline_ = std::min(next_deadline_, now + kDemandHalfLife);
      touched_.insert(key);
    }
  }
  const std::vector<uint64_t> targets = WaterFill(available, demands);

  uint64_t exposed = exposed_elsewhere;
  for (size_t i = 0; i < connected.size(); ++i) {
    const auto& [name, worker] = connected[i];
    if (targets[i] < worker->shares[key].sent) Send(*name, *worker, key, targets[i], messages);
    exposed += worker->shares[key].Exposure();
  }
  if (!MayRaise(now)) {
    touched_.insert(key);
    return;
  }
  uint64_t free = limit - std::min(limit, exposed);
  for (size_t i = 0; i < connected.size(); ++i) {
    const auto& [name, worker] = connected[i];
    const uint64_t before = worker->shares[key].Exposure();
    const uint64_t slots = std::min(targets[i], before + free);
    if (slots <= worker->shares[key].sent) continue;
    Send(*name, *worker, key, slots, messages);
    free -= worker->shares[key].Exposure() - before;
  }
}

void SlotLedger::Send(const WorkerKey& name, Worker& worker, const BackendKey& key, uint64_t slots,
                      Messages& messages) {
  Share& share = worker.shares[key];
  if (share.unanswered.size() >= kMaxUnanswered) return;
  const auto [message, is_new] = messages.try_emplace(name);
  if (is_new) ++worker.seq;
  worker::v1::SlotGrant::Entry& entry = *message->second.add_entries();
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_slots(slots);
  share.Sent(worker.seq, slots);
}

SlotLedger::Exposures SlotLedger::ExposuresOf(const WorkerKey& worker) const {
  Exposures exposures;
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return exposures;
  for (const auto& [key, share] : it->second.shares)
    if (share.Exposure() > 0) exposures[key] = share.Exposure();
  return exposures;
}

}  // namespace lb::controlplane
