// How the slots of one limit are divided over workers: max-min fairness by demand, what nobody
// asks for in equal parts.
//
// Source: progressive filling, Bertsekas and Gallager, "Data Networks", 2nd edition, 6.5.2. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <vector>

namespace lb::controlplane {

// At most one part in this many of all slots is kept by idle workers while others are short, so
// that 95 % of the rights can follow the load.
inline constexpr uint64_t kIdlePart = 20;

// Returns one share per demand; the shares sum to `slots` unless there is no demand in the list.
// Each share is at least one when there are as many slots as workers, so that an idle worker can
// start without asking.
std::vector<uint64_t> FairShares(uint64_t slots, const std::vector<uint64_t>& demands);

}  // namespace lb::controlplane
