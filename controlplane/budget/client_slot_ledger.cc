#include "controlplane/budget/client_slot_ledger.h"

#include <algorithm>
#include <iterator>

#include "controlplane/budget/slot_division.h"

namespace lb::controlplane {

using worker::v1::RateReport;

void ClientSlotLedger::SetLimits(std::map<std::string, uint64_t> limits, Instant now) {
  if (limits == limits_) return;
  limits_ = std::move(limits);
  for (auto it = clients_.begin(); it != clients_.end();) {
    const bool stays = limits_.find(it->first.first) != limits_.end();
    if (!stays) due_.erase({it->second.due, it->first});
    it = stays ? std::next(it) : clients_.erase(it);
  }
  AllDue(now);
}

void ClientSlotLedger::SetWorkers(size_t all, std::set<WorkerKey> connected, Instant now) {
  if (all == all_ && connected == connected_) return;
  all_ = all;
  connected_ = std::move(connected);
  for (auto& [name, client] : clients_) {
    for (auto& [worker, use] : client.uses) {
      const bool now_connected = connected_.contains(worker);
      // What was sent in another session is not answered in this one.
      if (now_connected && !use.connected) use.seq = 0;
      use.connected = now_connected;
    }
    AddUses(client, QuietOf(limits_.at(name.first)));
  }
  AllDue(now);
}

void ClientSlotLedger::Forget(const WorkerKey& worker, Instant now) {
  connected_.erase(worker);
  for (auto& [name, client] : clients_)
    if (client.uses.erase(worker) > 0) SetDue(name, client, now);
}

void ClientSlotLedger::Report(const WorkerKey& worker, const RateReport& report, Instant now) {
  if (!connected_.contains(worker)) return;
  for (const RateReport::ClientSlots& told : report.client_slots()) Take(worker, told, now);
}

void ClientSlotLedger::Take(const WorkerKey& worker, const RateReport::ClientSlots& told,
                            Instant now) {
  const auto limit = limits_.find(told.rule());
  if (limit == limits_.end()) return;
  const Name name{told.rule(), told.prefix()};
  auto at = clients_.find(name);
  if (at == clients_.end()) {
    if (clients_.size() >= kMaxShared) return;
    at = clients_.try_emplace(name).first;
    AddUses(at->second, QuietOf(limit->second));
  }
  Use& use = at->second.uses.at(worker);
  use.held = std::min(told.held(), kMaxSlots);
  Confirm(use, told);
  if (told.refused() > 0) {
    use.refused = use.refused / 2 + std::min(told.refused(), kMaxSlots / 2);
    use.refused_at = now;
  }
  SetDue(name, at->second, now);
}

void ClientSlotLedger::Confirm(Use& use, const RateReport::ClientSlots& told) {
  const uint64_t slots = std::min(told.slots(), kMaxSlots);
  if (told.seq() != use.seq) {
    // It speaks of an earlier grant; the newest is still on its way.
    use.ceiling = std::max(use.ceiling, slots);
    return;
  }
  if (use.seq == 0) use.sent = slots;
  use.ceiling = use.sent;
}

void ClientSlotLedger::AddUses(Client& client, uint64_t quiet) {
  for (const WorkerKey& worker : connected_) {
    const auto [at, fresh] = client.uses.try_emplace(worker);
    if (fresh) at->second.sent = at->second.ceiling = quiet;
  }
}

void ClientSlotLedger::SetDue(const Name& name, Client& client, Instant due) {
  due_.erase({client.due, name});
  client.due = due;
  due_.emplace(due, name);
}

void ClientSlotLedger::AllDue(Instant now) {
  for (auto& [name, client] : clients_) SetDue(name, client, now);
}

std::vector<ClientSlotLedger::ToWorker> ClientSlotLedger::Settle(Instant now) {
  Messages messages;
  while (!due_.empty() && due_.begin()->first <= now) {
    const Name name = due_.begin()->second;
    Client& client = clients_.at(name);
    if (Share(name, client, now, messages)) {
      SetDue(name, client, now + kGrantTtl / 2);
    } else {
      due_.erase(due_.begin());
      clients_.erase(name);
    }
  }
  std::vector<ToWorker> out;
  for (auto& [worker, sent] : messages)
    for (worker::v1::ConnectResponse& message : sent) out.push_back({worker, std::move(message)});
  return out;
}

Instant ClientSlotLedger::NextDeadline() const {
  return due_.empty() ? Instant::max() : due_.begin()->first;
}

bool ClientSlotLedger::Share(const Name& name, Client& client, Instant now, Messages& messages) {
  const uint64_t cap = limits_.at(name.first);
  const uint64_t quiet = QuietOf(cap);
  std::vector<WorkerSlots> needs;
  bool kept = false;  // Somebody may still have more than the even part.
  for (auto& [worker, use] : client.uses) {
    // Without a stream nothing was renewed.
    if (!use.connected && now - kGrantTtl >= use.sent_at)
      use.ceiling = std::min(use.ceiling, quiet);
    if (use.refused > 0 && now - use.refused_at >= kNeedFor) use.refused = 0;
    kept = kept || use.ceiling > quiet;
    if (use.connected) needs.push_back({use.held, use.sent, use.refused});
  }
  const bool is_quiet = IsQuiet(client, quiet);
  std::map<WorkerKey, uint64_t> before;
  for (const auto& [worker, use] : client.uses) before[worker] = use.sent;
  const uint64_t available = Available(client, cap);
  if (!is_quiet)
    Move(DivideSlots(needs, available), available, client);
  else
    for (auto& [worker, use] : client.uses) use.sent = kept ? std::min(use.sent, quiet) : quiet;
  const bool forgets = is_quiet && !kept;
  for (auto& [worker, use] : client.uses) {
    if (!use.connected) continue;
    const bool news = use.sent != before.at(worker);
    if (news) use.seq = next_seq_++;
    if (news || (!forgets && now - kGrantTtl / 2 >= use.sent_at))
      Send(name, worker, use, now, messages);
  }
  return !forgets;
}

bool ClientSlotLedger::IsQuiet(const Client& client, uint64_t quiet) {
  return std::all_of(client.uses.begin(), client.uses.end(), [&](const auto& entry) {
    return entry.second.refused == 0 && entry.second.held < (quiet + 1) / 2;
  });
}

uint64_t ClientSlotLedger::Available(const Client& client, uint64_t cap) const {
  const uint64_t quiet = QuietOf(cap);
  uint64_t reserved = (all_ - std::min(all_, connected_.size())) * quiet;
  for (const auto& [worker, use] : client.uses)
    if (!use.connected) reserved += std::max({use.ceiling, use.held, quiet}) - quiet;
  return cap - std::min(cap, reserved);
}

void ClientSlotLedger::Move(const std::vector<uint64_t>& parts, uint64_t available,
                            Client& client) {
  uint64_t exposed = 0;
  size_t i = 0;
  for (auto& [worker, use] : client.uses) {
    if (!use.connected) continue;
    use.sent = std::min(use.sent, parts[i++]);
    exposed += std::max(use.ceiling, use.held);
  }
  uint64_t room = available - std::min(available, exposed);
  i = 0;
  for (auto& [worker, use] : client.uses) {
    if (!use.connected) continue;
    const uint64_t part = parts[i++];
    const uint64_t covered = std::max(use.ceiling, use.held);
    const uint64_t more = std::min(room, part - std::min(part, covered));
    use.sent = std::max(use.sent, std::min(part, covered + more));
    use.ceiling = std::max(use.ceiling, use.sent);
    room -= more;
  }
}

void ClientSlotLedger::Send(const Name& name, const WorkerKey& worker, Use& use, Instant now,
                            Messages& messages) {
  if (use.seq == 0) use.seq = next_seq_++;
  use.sent_at = now;
  std::vector<worker::v1::ConnectResponse>& sent = messages[worker];
  if (sent.empty() || sent.back().rates().client_slots_size() >= kMaxGrants) sent.emplace_back();
  worker::v1::RateGrant::ClientSlots& to = *sent.back().mutable_rates()->add_client_slots();
  to.set_rule(name.first);
  to.set_prefix(name.second);
  to.set_slots(use.sent);
  to.set_seq(use.seq);
  to.mutable_ttl()->set_seconds(kGrantTtl.count());
}

uint64_t ClientSlotLedger::QuietOf(uint64_t cap) const {
  return std::max<uint64_t>(1, cap / std::max<size_t>(all_, 1));
}

}  // namespace lb::controlplane
