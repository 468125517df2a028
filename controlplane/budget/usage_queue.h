// Whose turn it is to be told of to other hosts: the clients of this host that there is something
// to say of, by when they were told of last, and those among them that cannot wait. Pure;
// threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace lb::controlplane {

class UsageQueue final {
 public:
  using Key = std::pair<std::string, uint64_t>;  // Rule, prefix.
  using Place = std::pair<Instant, Key>;         // When it was told of last.

  // A client has one place: whoever adds it again removes it first.
  void Add(const Place& place) { places_.insert(place); }
  void Remove(const Place& place);

  // It is told of before those that wait longer.
  void SetUrgent(const Key& key) { urgent_.insert(key); }
  bool has_urgent() const { return !urgent_.empty(); }
  // At most so many of them, others each time. They are urgent no more.
  std::vector<Key> TakeUrgent(size_t most);

  // At most so many: those that wait longest.
  std::vector<Key> Oldest(size_t most) const;
  // At most so many of those that were told of before `before`, others each time. `all_seen`: with
  // them everybody was seen once since this was true last.
  std::vector<Key> NextBefore(Instant before, size_t most, bool& all_seen);

 private:
  std::set<Place> places_;
  std::set<Key> urgent_;
  Key urgent_after_;
  std::optional<Place> seen_;
};

}  // namespace lb::controlplane
