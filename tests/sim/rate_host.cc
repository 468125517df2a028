#include "tests/sim/rate_host.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

namespace lb::sim {
namespace {

using controlplane::RateLedger;
using controlplane::WorkerKey;
using dataplane::ClientPrefix;
using dataplane::RateLimiter;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kStep{5};
constexpr milliseconds kReportEvery{50};
constexpr milliseconds kDelay{5};  // Either way.
constexpr Instant kStart{seconds(1'000)};

WorkerKey KeyOf(size_t worker) { return {"w" + std::to_string(worker), "1"}; }

}  // namespace

RateHost::Worker::Worker(const RateLimiter::Settings& settings, uint64_t seed)
    : limiter(settings, shares, {seed, seed}) {}

RateHost::RateHost(size_t workers, double rate_per_s, double burst, uint64_t seed)
    : prng_(seed),
      settings_{rate_per_s, burst, {}, 10'000},
      now_(kStart),
      ledger_(std::make_unique<RateLedger>()) {
  SetLimit();
  for (size_t i = 0; i < workers; ++i) AddWorker();
  RunFor(milliseconds(200), [](size_t) { return std::vector<double>(); });
}

void RateHost::SetLimit() {
  if (ledger_) ledger_->SetLimits({{"web", {settings_.rate_per_s, settings_.burst}}}, now_);
}

void RateHost::RemoveLimit() { ledger_->SetLimits({}, now_); }

void RateHost::AddWorker() {
  workers_.push_back(std::make_unique<Worker>(settings_, prng_.Next()));
  Reconnect(workers_.size() - 1);
}

void RateHost::Reconnect(size_t worker) {
  Worker& of = *workers_[worker];
  of.connected = true;
  of.told_all = false;
  ledger_->Connect(KeyOf(worker), true, now_);
  Report(worker);  // With the welcome.
}

void RateHost::LoseStream(size_t worker) {
  Worker& of = *workers_[worker];
  of.connected = false;
  ++of.stream;
  of.shares = {of.shares.fallback_ratio, 0, of.shares.fallback_ratio};
  of.limiter.SetShares(of.shares, now_);
  if (ledger_) ledger_->Disconnect(KeyOf(worker));
}

void RateHost::LoseControlPlane() {
  ledger_.reset();
  for (size_t i = 0; i < workers_.size(); ++i) LoseStream(i);
}

void RateHost::StartControlPlane() {
  ledger_ = std::make_unique<RateLedger>();
  SetLimit();
  for (size_t i = 0; i < workers_.size(); ++i) ledger_->Restore(KeyOf(i));
  for (size_t i = 0; i < workers_.size(); ++i) Reconnect(i);
}

void RateHost::RunFor(Duration time, const Rates& rates) {
  const Instant end = now_ + time;
  for (; now_ < end; now_ += kStep) {
    Deliver();
    for (size_t i = 0; i < workers_.size(); ++i) {
      Arrive(*workers_[i], rates(i));
      workers_[i]->limiter.Step(now_);
      if (workers_[i]->connected && now_ - workers_[i]->reported_at >= kReportEvery) Report(i);
    }
    if (ledger_ && !stopped_) Settle();
  }
}

// A Poisson count (Knuth, TAOCP 2, 3.4.1).
int RateHost::Count(double mean) {
  const double least = std::exp(-mean);
  double product = 1;
  int count = -1;
  do {
    product *= static_cast<double>(prng_.Below(1u << 30)) / (1u << 30);
    ++count;
  } while (product > least);
  return count;
}

void RateHost::Arrive(Worker& worker, const std::vector<double>& rates) {
  arrived_.resize(std::max(arrived_.size(), rates.size() + 1));
  admitted_.resize(arrived_.size());
  const double step_s = std::chrono::duration<double>(kStep).count();
  for (size_t client = 1; client <= rates.size(); ++client) {
    for (int i = Count(rates[client - 1] * step_s); i > 0; --i) {
      arrived_[client] += 1;
      if (worker.limiter.Admit(client, now_)) admitted_[client] += 1;
    }
  }
}

void RateHost::Report(size_t index) {
  Worker& worker = *workers_[index];
  worker.reported_at = now_;
  worker::v1::RateReport report;
  auto& limit = *report.add_limits();
  limit.set_rule("web");
  const bool all = !std::exchange(worker.told_all, true);
  for (const RateLimiter::Usage& usage : worker.limiter.TakeUsage(all, now_)) {
    auto& client = *limit.add_clients();
    client.set_prefix(usage.client);
    client.set_arrivals(usage.arrivals);
    client.set_admitted(usage.admitted);
    client.set_missing(usage.missing);
  }
  if (limit.clients().empty()) return;
  in_flight_.push_back({now_ + kDelay, true, [this, index, stream = worker.stream, report] {
                          if (workers_[index]->stream == stream)
                            ledger_->Report(KeyOf(index), report, now_);
                        }});
}

void RateHost::Settle() {
  for (RateLedger::ToWorker& sent : ledger_->Settle(now_)) {
    const size_t index = std::stoul(sent.worker.id.substr(1));
    const uint64_t stream = workers_[index]->stream;
    in_flight_.push_back(
        {now_ + kDelay, false, [this, index, stream, grant = sent.message.rates()] {
           if (workers_[index]->stream == stream) Take(index, grant);
         }});
  }
}

void RateHost::Take(size_t index, const worker::v1::RateGrant& grant) {
  Worker& worker = *workers_[index];
  if (grant.has_shares()) {
    worker.shares = {grant.shares().quiet_ratio(), grant.shares().report_ratio(),
                     grant.shares().fallback_ratio()};
    worker.limiter.SetShares(worker.shares, now_);
  }
  for (const auto& budget : grant.budgets())
    worker.limiter.SetBudget({budget.prefix(), budget.rate_per_s(), budget.burst(),
                              budget.fill_growth(), seconds(budget.ttl().seconds())},
                             now_);
}

void RateHost::Deliver() {
  std::deque<InFlight> due;
  std::deque<InFlight> later;
  for (InFlight& each : in_flight_) {
    const bool waits = each.due > now_ || (stopped_ && each.to_control_plane);
    (waits ? later : due).push_back(std::move(each));
  }
  in_flight_ = std::move(later);
  for (const InFlight& each : due) each.arrive();
}

}  // namespace lb::sim
