#include "controlplane/budget/shared_bucket.h"

#include <algorithm>
#include <chrono>

namespace lb::controlplane {
namespace {

constexpr double kRepayS = 2;        // In which a debt or surplus is made up for.
constexpr double kPlenty = 0.25;     // Of the burst: above it nothing is rationed.
constexpr double kEvenPart = 0.2;    // Of the spare rate; the rest follows the slow demand.
constexpr double kLend = 2;          // The spare rate is lent so many times the quiet part.
constexpr double kFloor = 0.1;       // Of an even part: what everybody may always admit.
constexpr double kNearLimit = 0.95;  // Below it a surplus is not given out.
constexpr double kMinTokens = 2;     // Fewer would turn into nothing by rounding.
constexpr double kMaxDebt = 2;       // In bursts or seconds of the rate.

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void SharedBucket::Refill(const SharedLimit& limit, Instant now) {
  const double elapsed_s = Seconds(now - tokens_at_);
  tokens_ = std::min(limit.burst, tokens_ + limit.rate_per_s * elapsed_s);
  tokens_at_ = now;
}

bool SharedBucket::Report(const WorkerKey& worker, uint64_t arrivals, uint64_t admitted,
                          const SharedLimit& limit, Instant now) {
  const auto [at, fresh] = members_.try_emplace(worker);
  Member& member = at->second;
  if (fresh) member.looked_at = now - kInterval;
  const bool anew = arrivals < member.arrivals || admitted < member.admitted;
  const uint64_t came = anew ? arrivals : arrivals - member.arrivals;
  const uint64_t took = anew ? admitted : admitted - member.admitted;
  member.arrivals = arrivals;
  member.admitted = admitted;
  member.fresh += came;
  if (came > 0) moved_at_ = now;
  Refill(limit, now);
  const double debt = kMaxDebt * std::max(limit.burst, limit.rate_per_s);
  tokens_ = std::max(-debt, tokens_ - static_cast<double>(took));
  admitted_total_ += took;
  const Duration since = now - member.looked_at;
  return fresh || (since >= kMinInterval && member.demand.IsJump(member.fresh, since));
}

SharedBucket::Sum SharedBucket::LookAtDemand(const std::vector<WorkerKey>& workers, Instant now) {
  Sum sum;
  sum.members = static_cast<double>(std::max<size_t>(workers.size(), 1));
  for (const WorkerKey& worker : workers) {
    const auto at = members_.find(worker);
    if (at == members_.end()) continue;
    Member& member = at->second;
    const Duration since = now - member.looked_at;
    if (since >= kMinInterval) {
      member.demand.Note(std::exchange(member.fresh, 0), since);
      member.looked_at = now;
    }
    sum.rate += member.demand.rate();
    sum.slow_rate += member.demand.slow_rate();
  }
  return sum;
}

std::vector<SharedBucket::Budget> SharedBucket::Divide(const std::vector<WorkerKey>& workers,
                                                       const SharedLimit& limit, Instant now) {
  Refill(limit, now);
  const Sum sum = LookAtDemand(workers, now);
  std::vector<Budget> budgets;
  budgets.reserve(workers.size());
  for (const WorkerKey& worker : workers) budgets.push_back(BudgetOf(worker, sum, limit));
  return budgets;
}

SharedBucket::Budget SharedBucket::BudgetOf(const WorkerKey& worker, const Sum& sum,
                                            const SharedLimit& limit) const {
  const auto at = members_.find(worker);
  const double demand = at == members_.end() ? 0 : at->second.demand.rate();
  const double slow = at == members_.end() ? 0 : at->second.demand.slow_rate();
  const double rate = limit.rate_per_s;
  const bool saturated = sum.rate >= rate;
  double share = 1;        // Of the rate.
  double burst_share = 1;  // Of the burst; together 1.
  if (saturated) {
    share = burst_share = demand / sum.rate;
  } else {
    const double spare = rate - sum.rate;
    const double part = sum.slow_rate <= 0
                            ? 1 / sum.members
                            : kEvenPart / sum.members + (1 - kEvenPart) * slow / sum.slow_rate;
    burst_share = (demand + spare * part) / rate;
    const double lent = std::max(part, std::min(1.0, kLend * limit.quiet_ratio));
    share = std::min(1.0, (demand + spare * lent) / rate);
  }
  double correction = std::clamp(tokens_ / kRepayS, -rate / 2, rate);
  if (sum.rate < kNearLimit * rate) correction = std::min(correction, 0.0);
  Budget budget{.worker = worker};
  budget.rate_per_s = std::max(share * (rate + correction), kFloor * rate / sum.members);
  budget.fill_growth = tokens_ >= kPlenty * limit.burst;
  const double left = std::max(tokens_, 0.0);
  if (budget.fill_growth) budget.rate_per_s = std::max(budget.rate_per_s, limit.quiet_ratio * rate);
  budget.burst = !budget.fill_growth && saturated
                     ? burst_share * left
                     : std::min(std::max(burst_share, limit.quiet_ratio) * limit.burst, left);
  const double two_looks = 2 * Seconds(kInterval) * budget.rate_per_s;
  budget.burst = std::max({std::min(kMinTokens, limit.burst), budget.burst,
                           std::min(two_looks, burst_share * limit.burst)});
  return budget;
}

double SharedBucket::demand_per_s() const {
  double sum = 0;
  for (const auto& [worker, member] : members_) sum += member.demand.rate();
  return sum;
}

}  // namespace lb::controlplane
