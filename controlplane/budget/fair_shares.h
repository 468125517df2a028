// How the slots of one limit are divided over workers: max-min fairness by demand, what nobody
// asks for in equal parts.
//
// Source: progressive filling, Bertsekas and Gallager, "Data Networks", 2nd edition, 6.5.2. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <vector>

namespace lb::controlplane {

// Returns one share per demand; the shares sum to `slots` unless there is no demand in the list.
// Who wants nothing gets what nobody wants, at least one as far as that goes, so that an idle
// worker can start without asking; nothing while others want it all: whoever waits there would wait
// in vain. Among equal demands the later ones in the list get what cannot be divided.
std::vector<uint64_t> FairShares(uint64_t slots, const std::vector<uint64_t>& demands);

}  // namespace lb::controlplane
