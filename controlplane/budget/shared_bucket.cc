#include "controlplane/budget/shared_bucket.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace lb::controlplane {
namespace {

constexpr double kRepayS = 2;        // In which a debt or surplus is made up for.
constexpr double kPlenty = 0.25;     // Of the burst: above it nothing is rationed.
constexpr double kEvenPart = 0.2;    // Of the spare rate; the rest follows the slow demand.
constexpr double kLend = 2;          // The spare rate is lent so many times the quiet part.
constexpr double kNearLimit = 0.95;  // Below it a surplus is not given out.
constexpr double kMinTokens = 2;     // Fewer would turn into nothing by rounding.
constexpr double kMaxDebt = 2;       // In bursts or seconds of the rate.
// In which hosts come to agree on what a bucket holds. Each of them has its own view, which words
// move by the same amounts: what made them differ once, such as a split, would stay.
constexpr double kAgreeS = 20;
// A count that seems to grow by more began anew.
constexpr uint32_t kMostUsed = 1u << 31;
constexpr double kFollow = 0.4;  // Of the difference, with each word of another host.
constexpr double kJump = 0.5;    // Of what was asked for there, or of an even part.
// A worker without an arrival for so long was not asked for anything in between.
constexpr std::chrono::seconds kPause{1};

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

void SharedBucket::Refill(const SharedLimit& limit, Instant now) {
  Foretell(limit, now);
  const double elapsed_s = Seconds(now - tokens_at_);
  tokens_ = std::min(limit.burst, tokens_ + limit.rate_per_s * elapsed_s);
  tokens_at_ = now;
}

Instant SharedBucket::HoldsUntil(const std::string& name, const Host& host,
                                 const SharedLimit& limit) {
  if (limit.hosts == nullptr) return host.told_at + kHold;
  const auto word = limit.hosts->find(name);
  if (word == limit.hosts->end()) return host.told_at + kHold;
  const Duration hold = word->second.watermark_ratio > 0 ? Duration(kHoldLeftOut) : kGone;
  return std::min<Instant>(word->second.heard_at + kHold, host.told_at + hold);
}

bool SharedBucket::Counts(const std::string& name, const Host& host, const SharedLimit& limit,
                          Instant now) {
  return now - host.told_at <= kGone || now <= HoldsUntil(name, host, limit);
}

double SharedBucket::UsePerS(const Host& host, const SharedLimit& limit, double demand) const {
  if (host.measured) return host.used_per_s;
  return host.rate * std::min(1.0, limit.rate_per_s / std::max(demand, 1.0));
}

// Together no more than the limit, however they began.
void SharedBucket::Foretell(const SharedLimit& limit, Instant now) {
  if (hosts_.empty()) return;
  double demand = demand_per_s();
  for (const auto& [name, host] : hosts_)
    if (tokens_at_ < HoldsUntil(name, host, limit)) demand += host.rate;
  double all = 0;
  for (const auto& [name, host] : hosts_)
    if (tokens_at_ < HoldsUntil(name, host, limit)) all += UsePerS(host, limit, demand);
  const double scale = all > limit.rate_per_s ? limit.rate_per_s / all : 1;
  // Whoever asks for more than the limit lives from hand to mouth: its bucket is empty, neither
  // less nor more, but for what is being made up for.
  if (all > 0 && demand >= limit.rate_per_s)
    tokens_ *= std::exp(-Seconds(now - tokens_at_) / kAgreeS);
  for (auto& [name, host] : hosts_) {
    const Instant until = std::min(now, HoldsUntil(name, host, limit));
    if (until <= tokens_at_) continue;
    const double foretold = scale * UsePerS(host, limit, demand) * Seconds(until - tokens_at_);
    host.foretold += foretold;
    tokens_ -= foretold;
  }
}

void SharedBucket::Book(double change, const SharedLimit& limit) {
  const double debt = kMaxDebt * std::max(limit.burst, limit.rate_per_s);
  tokens_ = std::clamp(tokens_ + change, -debt, limit.burst);
}

bool SharedBucket::Report(const WorkerKey& worker, const Told& told, const SharedLimit& limit,
                          Instant now) {
  const auto [at, first] = members_.try_emplace(worker);
  Member& member = at->second;
  Refill(limit, now);
  if (told.arrivals != member.arrivals) moved_at_ = now;
  if (first || told.late || told.stream != member.stream || told.arrivals < member.arrivals ||
      told.admitted < member.admitted) {
    if (first) member.looked_at = now - kInterval;
    Rebase(member, told, limit, now);
  } else {
    const uint64_t took = told.admitted - member.admitted;
    Book(-static_cast<double>(took), limit);
    admitted_total_ += took;
    used_ += took;
    Count(member, told.arrivals - member.arrivals, now);
    member.late_missing = 0;
  }
  member.arrivals = told.arrivals;
  member.admitted = told.admitted;
  member.stream = told.stream;
  const Duration since = now - member.looked_at;
  return first || (since >= kMinInterval && member.demand.IsJump(member.fresh, since));
}

void SharedBucket::Rebase(Member& member, const Told& told, const SharedLimit& limit, Instant now) {
  // Of what is late the most that was ever missing: buckets have other shapes from one to the next.
  const uint64_t booked = std::exchange(member.late_missing, 0);
  const uint64_t missing = std::max(told.missing, booked);
  Book(told.brought - static_cast<double>(missing - booked), limit);
  used_ += missing - booked;
  if (told.late) member.late_missing = missing;
  // A client that was not known here asked for what it took at least. The demand of one that was
  // known is what it was before.
  const bool known = told.late || (member.stream != 0 && told.stream != member.stream);
  if (!known) return Count(member, told.missing, now);
  member.fresh = 0;
  member.looked_at = now;
}

void SharedBucket::Count(Member& member, uint64_t arrivals, Instant now) {
  const Duration since = now - member.looked_at;
  if (arrivals > 0 && member.fresh == 0 && since > kPause) {
    // Nobody looks at the demand of those who are idle.
    member.demand.Note(0, since - kInterval);
    member.looked_at = now - kInterval;
  }
  member.fresh += arrivals;
}

bool SharedBucket::ReportHost(const std::string& name, const HostTold& told,
                              const SharedLimit& limit, Instant now) {
  Refill(limit, now);
  const auto [at, first] = hosts_.try_emplace(name);
  Host& host = at->second;
  const double since_s = Seconds(now - host.told_at);
  // After a silence that long everybody went by what it knew: nobody owes anything for it. A host
  // that was asked for nothing had nothing to say.
  const uint32_t news = told.used - host.used;
  const bool heard = host.rate == 0 || (!first && Counts(name, host, limit, now));
  const bool known = !first && news <= kMostUsed && heard;
  if (known) {
    const auto used = static_cast<double>(news);
    Book(host.foretold - used, limit);
    const double follow = host.measured ? kFollow : 1;
    if (since_s > 0) host.used_per_s += follow * (used / since_s - host.used_per_s);
    host.measured = true;
  } else if (told.young) {
    Book(-static_cast<double>(told.used), limit);
  }
  // Nobody admits more than is asked for; who is asked for nothing may say no more.
  host.used_per_s = std::min(host.used_per_s, told.demand_per_s);
  if (told.demand_per_s > 0 || (known && news != 0)) moved_at_ = now;
  const bool jump = std::abs(told.demand_per_s - host.rate) >
                    kJump * std::max(host.rate, limit.rate_per_s / limit.members);
  host.rate = told.demand_per_s;
  host.slow_rate = told.slow_demand_per_s;
  host.used = told.used;
  host.told_at = now;
  host.foretold = 0;
  return first || jump;
}

SharedBucket::Sum SharedBucket::LookAtDemand(const std::vector<WorkerKey>& workers,
                                             const SharedLimit& limit, Instant now) {
  Sum sum;
  sum.members = std::max(limit.members, 1.0);
  for (const auto& [name, host] : hosts_) {
    if (!Counts(name, host, limit, now)) continue;
    sum.late = std::max<Duration>(sum.late, now - host.told_at - kHold);
    sum.rate += host.rate;
    sum.slow_rate += host.slow_rate;
  }
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
  AddUnknown(limit, now, sum);
  return sum;
}

// Hosts that have more busy clients than they can tell of, and did not tell of this one of late.
void SharedBucket::AddUnknown(const SharedLimit& limit, Instant now, Sum& sum) const {
  if (limit.hosts == nullptr) return;
  for (const auto& [name, word] : *limit.hosts) {
    if (word.watermark_ratio == 0 || now - word.heard_at > kGone) continue;
    const auto at = hosts_.find(name);
    if (at != hosts_.end() && Counts(name, at->second, limit, now)) continue;
    const double told = at == hosts_.end() ? 0 : at->second.rate;
    const double most = std::max(told, word.watermark_ratio * limit.rate_per_s);
    sum.rate += most;
    sum.unknown += most - told;
    sum.unsure = true;
  }
}

void SharedBucket::NoteAdmitted(Instant now) {
  const Duration since = now - admitted_noted_at_;
  if (since < kMinInterval) return;
  admitted_.Note(admitted_total_ - std::exchange(admitted_noted_, admitted_total_), since);
  admitted_noted_at_ = now;
}

std::vector<SharedBucket::Budget> SharedBucket::Divide(const std::vector<WorkerKey>& workers,
                                                       const SharedLimit& limit, Instant now) {
  Refill(limit, now);
  NoteAdmitted(now);
  const Sum sum = LookAtDemand(workers, limit, now);
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
    // Those who are not told of may ask for nothing: an even part is safe, as all who share have
    // no more than that beside their parts by demand.
    if (sum.unsure && demand > 0)
      share = burst_share =
          std::max(share, std::min(demand / (sum.rate - sum.unknown), 1 / sum.members));
  } else {
    const double spare = rate - sum.rate;
    const double part = sum.slow_rate <= 0
                            ? 1 / sum.members
                            : kEvenPart / sum.members + (1 - kEvenPart) * slow / sum.slow_rate;
    burst_share = (demand + spare * part) / rate;
    const double lent = std::max(part, std::min(1.0, kLend * limit.quiet_ratio));
    share = std::min(1.0, (demand + spare * lent) / rate);
  }
  double correction = std::clamp(tokens_ / (kRepayS + 2 * Seconds(sum.late)), -rate / 2, rate);
  // What others use is not known where what they are asked for is not.
  const bool unsure = saturated && sum.unsure;
  if (sum.rate < kNearLimit * rate || unsure) correction = std::min(correction, 0.0);
  Budget budget{.worker = worker};
  budget.rate_per_s = std::max(share * (rate + correction), limit.floor_ratio * rate / sum.members);
  budget.fill_growth = tokens_ >= kPlenty * limit.burst && !unsure;
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

double SharedBucket::slow_demand_per_s() const {
  double sum = 0;
  for (const auto& [worker, member] : members_) sum += member.demand.slow_rate();
  return sum;
}

std::optional<SharedBucket::HostUse> SharedBucket::FindHost(const std::string& name,
                                                            const SharedLimit& limit,
                                                            Instant now) const {
  const auto at = hosts_.find(name);
  if (at == hosts_.end()) return std::nullopt;
  const Host& host = at->second;
  return HostUse{host.rate, host.used_per_s, host.told_at, Counts(name, host, limit, now)};
}

}  // namespace lb::controlplane
