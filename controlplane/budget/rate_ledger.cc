#include "controlplane/budget/rate_ledger.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "controlplane/budget/rule_hash.h"

namespace lb::controlplane {
namespace {

// A budget that moved less than this is not sent anew until half of its time is over.
constexpr double kNews = 0.03;
// A client without an arrival for so long, or four times what fills its bucket, is forgotten.
constexpr std::chrono::seconds kForgetAfter{10};

Duration ForgetAfter(const RateLedger::Limit& limit) {
  const std::chrono::duration<double> fills(4 * limit.burst / limit.rate_per_s);
  return std::max<Duration>(
      kForgetAfter,
      std::min<Duration>(std::chrono::duration_cast<Duration>(fills), std::chrono::hours(1)));
}

bool Moved(double from, double to) { return std::abs(to - from) > kNews * std::max(from, to); }

void Add(const std::string& rule, uint64_t prefix, const SharedBucket::Budget& budget,
         std::chrono::seconds ttl, worker::v1::RateGrant& grant) {
  worker::v1::RateGrant::Budget& out = *grant.add_budgets();
  out.set_rule(rule);
  out.set_prefix(prefix);
  out.set_rate_per_s(budget.rate_per_s);
  out.set_burst(budget.burst);
  out.set_fill_growth(budget.fill_growth);
  out.mutable_ttl()->set_seconds(ttl.count());
}

}  // namespace

void RateLedger::SetLimits(std::map<std::string, Limit> limits, Instant now) {
  for (auto it = limits_.begin(); it != limits_.end();) {
    if (limits.find(it->first) != limits.end()) {
      ++it;
      continue;
    }
    for (auto& [prefix, client] : it->second.clients) {
      SetIdle(client, false);
      SetPlace({it->first, prefix}, client, std::nullopt);
      due_.erase({client.due, {it->first, prefix}});
    }
    it = limits_.erase(it);
  }
  rules_.clear();
  for (const auto& [rule, limit] : limits) rules_.emplace(HashOfRule(rule), rule);
  for (auto& [rule, limit] : limits) {
    Shared& shared = limits_[rule];
    if (shared.limit == limit) continue;
    shared.limit = limit;
    for (auto& [prefix, client] : shared.clients) SetDue({rule, prefix}, client, now);
  }
}

void RateLedger::Connect(const WorkerKey& worker, bool knows, Instant now) {
  if (!knows) return Forget(worker);
  parts_.Connect(worker, now);
}

void RateLedger::Forget(const WorkerKey& worker) {
  if (!parts_.Forget(worker)) return;
  for (auto& [rule, shared] : limits_) {
    for (auto& [prefix, client] : shared.clients) {
      client.bucket.Forget(worker);
      client.sent.erase(worker);
    }
  }
}

void RateLedger::SetDue(const DueKey& key, Client& client, Instant due) {
  due_.erase({client.due, key});
  client.due = due;
  due_.emplace(due, key);
}

void RateLedger::SetIdle(Client& client, bool idle) {
  if (std::exchange(client.idle, idle) == idle) return;
  if (idle)
    ++idle_clients_;
  else
    --idle_clients_;
}

Duration RateLedger::interval() const {
  const size_t busy = (due_.size() - idle_clients_) * parts_.serving().size();
  const double times = static_cast<double>(busy) / static_cast<double>(kBudgetsPerInterval);
  return std::chrono::duration_cast<Duration>(SharedBucket::kInterval * std::max(1.0, times));
}

void RateLedger::NoteLateTurn(Instant now) {
  if (due_.empty() || now - std::max(due_.begin()->first, settled_at_) <= kLate) return;
  settled_at_ = now;
  caught_up_at_ = now + kCatchUp;
  parts_.BeginStreams(now);
}

void RateLedger::Report(const WorkerKey& worker, const worker::v1::RateReport& report,
                        Instant now) {
  NoteLateTurn(now);
  const RateParts::Worker* known = parts_.FindConnected(worker);
  if (known == nullptr) return;
  for (const worker::v1::RateReport::Limit& limit : report.limits()) {
    const auto at = limits_.find(limit.rule());
    if (at == limits_.end()) continue;
    for (const worker::v1::RateReport::Client& told : limit.clients())
      Take(worker, *known, limit.rule(), at->second, told, now);
  }
}

RateLedger::Client* RateLedger::FindOrMake(const DueKey& key, Shared& shared, Instant now) {
  const auto known = shared.clients.find(key.second);
  if (known != shared.clients.end()) return &known->second;
  if (due_.size() >= kMaxClients) return nullptr;
  due_.emplace(now, key);
  Client made{SharedBucket(ShareOf(shared.limit).burst, now), now, now, false, {}};
  return &shared.clients.emplace(key.second, std::move(made)).first->second;
}

void RateLedger::Take(const WorkerKey& key, const RateParts::Worker& worker,
                      const std::string& rule, Shared& shared,
                      const worker::v1::RateReport::Client& told, Instant now) {
  const DueKey due{rule, told.prefix()};
  Client* client = FindOrMake(due, shared, now);
  if (client == nullptr) return;
  // What the worker had for itself is in this bucket again; one that was made later began with it.
  const bool joins = client->began_at < worker.connected_at && now - worker.connected_at < kCatchUp;
  const SharedBucket::Told counts{
      .arrivals = told.arrivals(),
      .admitted = told.admitted(),
      .missing = told.missing(),
      .stream = worker.stream,
      .brought = joins ? worker.brought_ratio * shared.limit.burst : 0,
      .late = now < caught_up_at_,
  };
  const bool look = client->bucket.Report(key, counts, ShareOf(shared.limit), now);
  const bool back = client->idle && client->bucket.moved_at() == now;
  if (!client->place) Enqueue(due, *client, now);
  if (look) NoteUrgent(due);
  if (!look && !back) return;
  SetIdle(*client, false);
  SetDue(due, *client, now);
}

std::vector<RateLedger::ToWorker> RateLedger::Settle(Instant now) {
  NoteLateTurn(now);
  settled_at_ = now;
  Messages messages;
  TellShares(messages);
  if (now >= window_ends_at_) {
    made_ = 0;
    window_ends_at_ = now + kWindow;
  }
  while (made_ < kMaxBudgetsPerWindow && !due_.empty() && due_.begin()->first <= now) {
    Look(DueKey(due_.begin()->second), messages, now);
    made_ += std::max<size_t>(parts_.serving().size(), 1);
  }
  std::vector<ToWorker> out;
  for (auto& [worker, sent] : messages)
    for (worker::v1::ConnectResponse& message : sent) out.push_back({worker, std::move(message)});
  return out;
}

void RateLedger::TellShares(Messages& messages) {
  const RateParts::Told told = parts_.told();
  for (const WorkerKey& key : parts_.TakeUntold()) {
    worker::v1::RateGrant::Shares& shares =
        *messages[key].emplace_back().mutable_rates()->mutable_shares();
    shares.set_quiet_ratio(told.quiet_ratio);
    shares.set_fallback_ratio(told.fallback_ratio);
    shares.set_report_ratio(told.report_ratio);
    shares.set_host_ratio(told.host_ratio);
  }
}

// The client that is due: it gets its budgets, or is idle, or forgotten.
void RateLedger::Look(const DueKey& key, Messages& messages, Instant now) {
  Shared& shared = limits_.at(key.first);
  Client& client = shared.clients.at(key.second);
  const Instant moved_at = client.bucket.moved_at();
  const Instant forget_at = moved_at + ForgetAfter(shared.limit);
  if (forget_at < now) {
    SetIdle(client, false);
    SetPlace(key, client, std::nullopt);
    due_.erase(due_.begin());
    shared.clients.erase(key.second);
    return;
  }
  // While it is not known what happened of late, nobody is idle.
  if (now - moved_at > kIdleAfter && now >= caught_up_at_) {
    SetIdle(client, true);
    if (IsNews(client, shared.limit)) NoteUrgent(key);
    return SetDue(key, client, forget_at + SharedBucket::kInterval);
  }
  SetIdle(client, false);
  Renew(key, client, shared.limit, now, messages);
  if (IsNews(client, shared.limit)) NoteUrgent(key);
  SetDue(key, client, now + interval());
}

void RateLedger::Renew(const DueKey& key, Client& client, const Limit& limit, Instant now,
                       Messages& messages) {
  const auto ttl = std::max<std::chrono::seconds>(
      kBudgetTtl, std::chrono::ceil<std::chrono::seconds>(kLooksPerTtl * interval()));
  const SharedLimit share = ShareOf(limit);
  const bool unanswered = IsUnanswered(client, now);
  for (SharedBucket::Budget& budget : client.bucket.Divide(parts_.serving(), share, now)) {
    // What is not known of other hosts may be as much as what is known here.
    if (unanswered) {
      budget.rate_per_s = std::min(budget.rate_per_s, share.quiet_ratio * share.rate_per_s);
      budget.burst = std::min(budget.burst, std::max(1.0, share.quiet_ratio * share.burst));
    }
    if (!IsNews(client, budget, now)) continue;
    std::vector<worker::v1::ConnectResponse>& to = messages[budget.worker];
    if (to.empty() || to.back().rates().budgets_size() >= kMaxBudgets) to.emplace_back();
    Add(key.first, key.second, budget, ttl, *to.back().mutable_rates());
    client.sent[budget.worker] = {budget, now + ttl / 2};
  }
}

bool RateLedger::IsNews(const Client& client, const SharedBucket::Budget& budget, Instant now) {
  const auto at = client.sent.find(budget.worker);
  if (at == client.sent.end()) return true;
  const auto& [before, renew_at] = at->second;
  return Moved(before.rate_per_s, budget.rate_per_s) || Moved(before.burst, budget.burst) ||
         before.fill_growth != budget.fill_growth || now >= renew_at;
}

Instant RateLedger::NextDeadline() const {
  if (parts_.untold()) return Instant::min();
  if (due_.empty()) return Instant::max();
  const Instant due = due_.begin()->first;
  return made_ < kMaxBudgetsPerWindow ? due : std::max(due, window_ends_at_);
}

const RateLedger::Client* RateLedger::Find(const std::string& rule, uint64_t prefix) const {
  const auto limit = limits_.find(rule);
  if (limit == limits_.end()) return nullptr;
  const auto client = limit->second.clients.find(prefix);
  return client == limit->second.clients.end() ? nullptr : &client->second;
}

}  // namespace lb::controlplane
