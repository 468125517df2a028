#include "controlplane/membership/query_book.h"

#include <algorithm>

#include "controlplane/membership/serf_query.h"

namespace lb::controlplane::swim {

void QueryBook::Restore(uint64_t time) {
  Witness(time);
  oldest_ = std::max(oldest_, std::min(time, time_));
}

void QueryBook::Witness(uint64_t time) {
  if (MayFollow(time_, time)) time_ = std::max(time_, time);
}

bool QueryBook::Take(uint64_t time, uint32_t id) {
  if (!MayFollow(time_, time) || time < oldest_ || time + kWindow < time_) return false;
  if (!seen_.emplace(time, id).second) return false;
  time_ = std::max(time_, time + 1);
  if (seen_.size() <= kMaxSeen) return true;
  oldest_ = std::max(oldest_, seen_.begin()->first + 1);
  seen_.erase(seen_.begin(), seen_.lower_bound({oldest_, 0}));
  return true;
}

}  // namespace lb::controlplane::swim
