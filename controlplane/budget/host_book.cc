#include "controlplane/budget/host_book.h"

#include <algorithm>
#include <iterator>

#include "controlplane/budget/shared_bucket.h"

namespace lb::controlplane {
namespace {

// Who failed is no member for membership either, then.
constexpr std::chrono::hours kForgetAfter{24};

}  // namespace

std::vector<std::string> HostBook::Failed(const std::string& host, Instant now) {
  const auto at = hosts_.find(host);
  if (at != hosts_.end() && !at->second.failed_at) at->second.failed_at = now;
  std::vector<std::string> forgotten;
  for (auto it = hosts_.begin(); it != hosts_.end();) {
    const bool over = it->second.failed_at && now - *it->second.failed_at > kForgetAfter;
    if (over) forgotten.push_back(it->first);
    it = over ? hosts_.erase(it) : std::next(it);
  }
  return forgotten;
}

bool HostBook::Heard(const std::string& host, const Told& told, Instant now) {
  const auto at = hosts_.find(host);
  if (at == hosts_.end()) return false;
  at->second.heard_at = now;
  at->second.told = told;
  return true;
}

bool HostBook::IsExpected(const Host& host, Instant now) const {
  return !host.failed_at || settings_.reclaim_after == Duration::zero() ||
         now < *host.failed_at + settings_.reclaim_after;
}

bool HostBook::IsHeard(const Host& host, Instant now) {
  return host.heard_at && now <= *host.heard_at + SharedBucket::kHold;
}

std::vector<HostBook::Row> HostBook::Rows(Instant now) const {
  std::vector<Row> rows;
  for (const auto& [name, host] : hosts_) {
    const bool heard = IsHeard(host, now);
    if (heard || IsExpected(host, now)) rows.push_back({name, heard, host.heard_at});
  }
  return rows;
}

size_t HostBook::expected(Instant now) const {
  return static_cast<size_t>(std::count_if(
      hosts_.begin(), hosts_.end(), [&](const auto& one) { return IsExpected(one.second, now); }));
}

size_t HostBook::heard(Instant now) const {
  return static_cast<size_t>(std::count_if(
      hosts_.begin(), hosts_.end(), [&](const auto& one) { return IsHeard(one.second, now); }));
}

// More than half of the hosts have the whole limit; of two halves the one with the first name has.
// Others have their part by number, so that all sides together stay below one and a half limits.
double HostBook::SideRatio(Instant now) const {
  if (hosts_.empty()) {
    const bool waits = seeds_ > 0 && now < began_at_ + settings_.reclaim_after;
    return waits && !settings_.minority_has_all ? 1 / static_cast<double>(seeds_ + 1) : 1;
  }
  double all = 1;
  double side = 1;
  std::string first = self_;
  std::string first_of_side = self_;
  for (const auto& [name, host] : hosts_) {
    const bool heard = IsHeard(host, now);
    if (!heard && !IsExpected(host, now)) continue;
    all += 1;
    first = std::min(first, name);
    if (!heard) continue;
    side += 1;
    first_of_side = std::min(first_of_side, name);
  }
  if (settings_.minority_has_all || 2 * side > all) return 1;
  return 2 * side == all && first_of_side == first ? 1 : side / all;
}

RateParts::Others HostBook::Others(Instant now) const {
  RateParts::Others others{.side_ratio = SideRatio(now)};
  for (const auto& [name, host] : hosts_) {
    if (!host.heard_at || now > *host.heard_at + SharedBucket::kGone) continue;
    others.serving += host.told.serving;
    others.kept_ratio += host.told.kept_ratio;
  }
  return others;
}

Instant HostBook::NextChange(Instant now) const {
  Instant next = Instant::max();
  if (hosts_.empty() && seeds_ > 0 && now < began_at_ + settings_.reclaim_after)
    next = began_at_ + settings_.reclaim_after;
  const auto offer = [&](Instant at) {
    if (at > now) next = std::min(next, at);
  };
  for (const auto& [name, host] : hosts_) {
    if (host.heard_at) offer(*host.heard_at + SharedBucket::kHold + Duration(1));
    if (host.heard_at) offer(*host.heard_at + SharedBucket::kGone + Duration(1));
    if (host.failed_at && settings_.reclaim_after > Duration::zero())
      offer(*host.failed_at + settings_.reclaim_after);
  }
  return next;
}

}  // namespace lb::controlplane
