#include "controlplane/shell/caller_places.h"

#include <algorithm>

namespace lb::controlplane {

std::optional<size_t> CallerPlaces::Take(const Identity& peer, Instant now) {
  const Key key = KeyOf(peer);
  auto own = places_.find(key);
  if (own == places_.end()) {
    size_t number = places_.size();
    if (number == count_) {
      const auto rested = std::find_if(places_.begin(), places_.end(), [&](const auto& entry) {
        return entry.second.connections == 0 && now >= entry.second.empty_since + kRest;
      });
      if (rested == places_.end()) return std::nullopt;
      number = rested->second.number;
      places_.erase(rested);
    }
    own = places_.emplace(key, Place{number, 0, now}).first;
  }
  ++own->second.connections;
  return own->second.number;
}

void CallerPlaces::End(const Identity& peer, Instant now) {
  const auto own = places_.find(KeyOf(peer));
  if (own == places_.end() || own->second.connections == 0) return;
  --own->second.connections;
  own->second.empty_since = now;
}

}  // namespace lb::controlplane
