// Which of a bounded number of places each caller on a unix socket has, from its first connection
// until some time after its last.
//
// A place is given to another caller only when it was empty for kRest, so that nothing that is
// still under way is taken for that one's. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"
#include "controlplane/access/role.h"

namespace lb::controlplane {

class CallerPlaces final {
 public:
  static constexpr std::chrono::seconds kRest{60};

  explicit CallerPlaces(size_t count) : count_(count) {}

  // A connection of this caller more: its place, 0 to `count` - 1; nullopt when others have all.
  std::optional<size_t> Take(const Caller& caller, Instant now);
  // One less. Ignored when the caller has none.
  void End(const Caller& caller, Instant now);

 private:
  using Key = std::pair<Role, std::string>;
  struct Place {
    size_t number = 0;
    size_t connections = 0;
    Instant empty_since{};
  };

  const size_t count_;
  std::map<Key, Place> places_;
};

}  // namespace lb::controlplane
