#include "controlplane/budget/rate_ledger.h"

#include <algorithm>
#include <cmath>
#include <iterator>

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
         worker::v1::RateGrant& grant) {
  worker::v1::RateGrant::Budget& out = *grant.add_budgets();
  out.set_rule(rule);
  out.set_prefix(prefix);
  out.set_rate_per_s(budget.rate_per_s);
  out.set_burst(budget.burst);
  out.set_fill_growth(budget.fill_growth);
  out.mutable_ttl()->set_seconds(RateLedger::kBudgetTtl.count());
}

}  // namespace

void RateLedger::SetLimits(std::map<std::string, Limit> limits, Instant now) {
  for (auto it = limits_.begin(); it != limits_.end();) {
    if (limits.find(it->first) != limits.end()) {
      ++it;
      continue;
    }
    for (const auto& [prefix, client] : it->second.clients)
      due_.erase({client.due, {it->first, prefix}});
    it = limits_.erase(it);
  }
  for (auto& [rule, limit] : limits) {
    Shared& shared = limits_[rule];
    if (shared.limit == limit) continue;
    shared.limit = limit;
    for (auto& [prefix, client] : shared.clients) SetDue({rule, prefix}, client, now);
  }
}

void RateLedger::Connect(const WorkerKey& worker, bool knows) {
  if (!knows) return Forget(worker);
  workers_[worker] = {.connected = true, .told = false};
  SharesChanged();
}

void RateLedger::Disconnect(const WorkerKey& worker) {
  const auto at = workers_.find(worker);
  if (at == workers_.end()) return;
  at->second.connected = false;
  SharesChanged();
}

void RateLedger::Forget(const WorkerKey& worker) {
  if (workers_.erase(worker) == 0) return;
  for (auto& [rule, shared] : limits_) {
    for (auto& [prefix, client] : shared.clients) {
      client.bucket.Forget(worker);
      client.sent.erase(worker);
    }
  }
  SharesChanged();
}

void RateLedger::SharesChanged() {
  for (auto& [key, worker] : workers_) worker.told = false;
}

size_t RateLedger::connected() const {
  return static_cast<size_t>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const auto& worker) { return worker.second.connected; }));
}

SharedLimit RateLedger::SharesOf(const Limit& limit) const {
  const auto all = static_cast<double>(std::max<size_t>(workers_.size(), 1));
  const double part = static_cast<double>(connected()) / all;
  return {.rate_per_s = limit.rate_per_s * part,
          .burst = std::max(1.0, limit.burst * part),
          .quiet_ratio = std::min(1.0, kOvercommit / all)};
}

std::vector<WorkerKey> RateLedger::Connected() const {
  std::vector<WorkerKey> connected;
  for (const auto& [key, worker] : workers_)
    if (worker.connected) connected.push_back(key);
  return connected;
}

void RateLedger::SetDue(const DueKey& key, Client& client, Instant due) {
  due_.erase({client.due, key});
  client.due = due;
  due_.emplace(due, key);
}

void RateLedger::Report(const WorkerKey& worker, const worker::v1::RateReport& report,
                        Instant now) {
  const auto known = workers_.find(worker);
  if (known == workers_.end() || !known->second.connected) return;
  for (const worker::v1::RateReport::Limit& limit : report.limits()) {
    const auto at = limits_.find(limit.rule());
    if (at == limits_.end()) continue;
    Shared& shared = at->second;
    const SharedLimit shares = SharesOf(shared.limit);
    for (const worker::v1::RateReport::Client& told : limit.clients()) {
      const DueKey key{limit.rule(), told.prefix()};
      auto client = shared.clients.find(told.prefix());
      if (client == shared.clients.end()) {
        if (due_.size() >= kMaxClients) continue;
        client =
            shared.clients.emplace(told.prefix(), Client{SharedBucket(shares.burst, now), now, {}})
                .first;
        due_.emplace(now, key);
      }
      if (client->second.bucket.Report(worker, told.arrivals(), told.admitted(), shares, now))
        SetDue(key, client->second, now);
    }
  }
}

std::vector<RateLedger::ToWorker> RateLedger::Settle(Instant now) {
  Messages messages;
  TellShares(messages);
  while (!due_.empty() && due_.begin()->first <= now) {
    const DueKey key = due_.begin()->second;
    Shared& shared = limits_.at(key.first);
    Client& client = shared.clients.at(key.second);
    if (Renew(key.first, key.second, client, shared.limit, now, messages)) {
      SetDue(key, client, now + SharedBucket::kInterval);
    } else {
      due_.erase(due_.begin());
      shared.clients.erase(key.second);
    }
  }
  std::vector<ToWorker> out;
  for (auto& [worker, sent] : messages)
    for (worker::v1::ConnectResponse& message : sent) out.push_back({worker, std::move(message)});
  return out;
}

void RateLedger::TellShares(Messages& messages) {
  const auto all = static_cast<double>(std::max<size_t>(workers_.size(), 1));
  for (auto& [key, worker] : workers_) {
    if (!worker.connected || std::exchange(worker.told, true)) continue;
    worker::v1::RateGrant::Shares& shares =
        *messages[key].emplace_back().mutable_rates()->mutable_shares();
    shares.set_quiet_ratio(std::min(1.0, kOvercommit / all));
    shares.set_fallback_ratio(1 / all);
    shares.set_report_ratio(all > 1 ? kReportPart / all : 0);
  }
}

// False when the client is quiet and forgotten.
bool RateLedger::Renew(const std::string& rule, uint64_t prefix, Client& client, const Limit& limit,
                       Instant now, Messages& messages) {
  if (now - client.bucket.moved_at() > ForgetAfter(limit)) return false;
  for (const SharedBucket::Budget& budget :
       client.bucket.Divide(Connected(), SharesOf(limit), now)) {
    if (!IsNews(client, budget, now)) continue;
    std::vector<worker::v1::ConnectResponse>& to = messages[budget.worker];
    if (to.empty() || to.back().rates().budgets_size() >= kMaxBudgets) to.emplace_back();
    Add(rule, prefix, budget, *to.back().mutable_rates());
    client.sent[budget.worker] = {budget, now};
  }
  return true;
}

bool RateLedger::IsNews(const Client& client, const SharedBucket::Budget& budget, Instant now) {
  const auto at = client.sent.find(budget.worker);
  if (at == client.sent.end()) return true;
  const auto& [before, when] = at->second;
  return Moved(before.rate_per_s, budget.rate_per_s) || Moved(before.burst, budget.burst) ||
         before.fill_growth != budget.fill_growth || now - when >= kBudgetTtl / 2;
}

Instant RateLedger::NextDeadline() const {
  const bool untold = std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker.second.connected && !worker.second.told;
  });
  if (untold) return Instant::min();
  return due_.empty() ? Instant::max() : due_.begin()->first;
}

const RateLedger::Client* RateLedger::Find(const std::string& rule, uint64_t prefix) const {
  const auto limit = limits_.find(rule);
  if (limit == limits_.end()) return nullptr;
  const auto client = limit->second.clients.find(prefix);
  return client == limit->second.clients.end() ? nullptr : &client->second;
}

}  // namespace lb::controlplane
