#include "controlplane/budget/usage_queue.h"

namespace lb::controlplane {

void UsageQueue::Remove(const Place& place) {
  places_.erase(place);
  urgent_.erase(place.second);
}

std::vector<UsageQueue::Key> UsageQueue::TakeUrgent(size_t most) {
  std::vector<Key> keys;
  auto at = urgent_.upper_bound(urgent_after_);
  while (keys.size() < most && !urgent_.empty()) {
    if (at == urgent_.end()) at = urgent_.begin();
    keys.push_back(*at);
    at = urgent_.erase(at);
  }
  if (!keys.empty()) urgent_after_ = keys.back();
  return keys;
}

std::vector<UsageQueue::Key> UsageQueue::Oldest(size_t most) const {
  std::vector<Key> keys;
  for (auto at = places_.begin(); at != places_.end() && keys.size() < most; ++at)
    keys.push_back(at->second);
  return keys;
}

std::vector<UsageQueue::Key> UsageQueue::NextBefore(Instant before, size_t most, bool& all_seen) {
  std::vector<Key> keys;
  auto at = seen_ ? places_.upper_bound(*seen_) : places_.begin();
  while (keys.size() < most && at != places_.end() && at->first < before) {
    keys.push_back(at->second);
    seen_ = *at++;
  }
  all_seen = at == places_.end() || at->first >= before;
  if (all_seen) seen_.reset();
  return keys;
}

}  // namespace lb::controlplane
