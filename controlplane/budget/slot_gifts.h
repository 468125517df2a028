// What a host gives to others of the slots of a limit that all share, so that each has what it can
// use. Pure; threading: none.
#pragma once

#include <cstdint>
#include <vector>

#include "controlplane/budget/host_id.h"

namespace lb::controlplane {

struct HostNeed {
  HostId host = 0;
  int64_t rights = 0;
  uint64_t held = 0;
  uint64_t wanted = 0;  // With those held.
};

struct Gift {
  HostId to = 0;
  uint64_t slots = 0;
  friend bool operator==(const Gift&, const Gift&) = default;
};

// No host is left with less, so that it can always begin: 2 % of an even part, one at least; none
// where there are not two for each host.
uint64_t LeastSlots(uint64_t limit, size_t hosts);

// What `self`, one of `hosts`, should give away, as all hosts with the same view work it out alike:
// max-min fairness by need. Nothing moves while nobody lacks any, and no single slot between hosts
// that both use all they have. Of slots that cannot be divided those get one that come later in the
// list. Debts are paid first.
std::vector<Gift> PlanGifts(const std::vector<HostNeed>& hosts, HostId self, uint64_t least);

}  // namespace lb::controlplane
