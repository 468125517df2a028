// How the connections that one client may have open are divided over the workers. Pure; threading:
// none.
#pragma once

#include <cstdint>
#include <vector>

namespace lb::controlplane {

// One worker's part as it is; each number is at most kMaxSlots.
inline constexpr uint64_t kMaxSlots = 2'000'000'000;
struct WorkerSlots {
  uint64_t held = 0;     // Open.
  uint64_t slots = 0;    // That it may have open.
  uint64_t refused = 0;  // Lately, newer ones count more.
};

// The part of each, which together are `cap`: what it holds, and of what is free, where somebody
// was refused, a part by refusals, else an even one. A worker without refusals keeps a small
// reserve. Who together hold more than `cap` get less than they hold. Nothing changes while nobody
// was refused and all have room.
std::vector<uint64_t> DivideSlots(const std::vector<WorkerSlots>& needs, uint64_t cap);

}  // namespace lb::controlplane
