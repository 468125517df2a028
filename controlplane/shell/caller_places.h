// Which of a bounded number of places each peer on unix sockets has, from its first connection
// until some time after its last. A peer is a caller or, where processes are told apart, one
// process.
//
// A place is given to another peer only when it was empty for kRest, so that nothing that is
// still under way is taken for that one's. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/time.h"
#include "controlplane/access/identity.h"

namespace lb::controlplane {

class CallerPlaces final {
 public:
  static constexpr std::chrono::seconds kRest{60};

  explicit CallerPlaces(size_t count) : count_(count) {}

  // A connection of this peer more: its place, 0 to `count` - 1; nullopt when others have all.
  std::optional<size_t> Take(const Identity& peer, Instant now);
  // One less. Ignored when the peer has none.
  void End(const Identity& peer, Instant now);

 private:
  using Key = std::tuple<Role, std::string, pid_t>;
  static Key KeyOf(const Identity& peer) { return {peer.caller.role, peer.caller.name, peer.pid}; }
  struct Place {
    size_t number = 0;
    size_t connections = 0;
    Instant empty_since{};
  };

  const size_t count_;
  std::map<Key, Place> places_;
};

}  // namespace lb::controlplane
