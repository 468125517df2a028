// Max-min fair division of a whole number among parties with demands.
//
// Source: Bertsekas, Gallager: "Data Networks", 2nd ed., section 6.5.2 (max-min fairness), for
// whole units. Pure; threading: none.
#pragma once

#include <cstdint>
#include <vector>

namespace lb::controlplane {

// Returns one share per demand. Nobody gets more than asked while somebody else lacks; what is left
// when all have what they asked for is spread evenly, so the shares always sum to `total` (unless
// there are no demands). Ties go to the earlier one. O(n log n).
std::vector<uint64_t> WaterFill(uint64_t total, const std::vector<uint64_t>& demands);

}  // namespace lb::controlplane
