#include "controlplane/budget/slot_division.h"

#include <algorithm>
#include <cstddef>

namespace lb::controlplane {
namespace {

// Of the cap, for all together who were not refused while others were: a client that goes to
// another worker finds room there, and the busy ones have the rest.
constexpr uint64_t kReservePercent = 4;

struct Sums {
  uint64_t held = 0;
  uint64_t slots = 0;
  uint64_t refused = 0;
  uint64_t calm = 0;  // How many were not refused.
};

Sums SumOf(const std::vector<WorkerSlots>& needs) {
  Sums sums;
  for (const WorkerSlots& need : needs) {
    sums.held += need.held;
    sums.slots += need.slots;
    sums.refused += need.refused;
    if (need.refused == 0) ++sums.calm;
  }
  return sums;
}

// Rounded down.
uint64_t PartOf(uint64_t value, uint64_t of, uint64_t all) { return value * of / all; }

bool HaveRoom(const std::vector<WorkerSlots>& needs, const Sums& sums, uint64_t cap) {
  if (sums.refused > 0 || sums.slots > cap) return false;
  const uint64_t even = (cap - sums.held) / needs.size();
  return std::all_of(needs.begin(), needs.end(), [&](const WorkerSlots& need) {
    return need.slots >= need.held && (need.slots - need.held) * 2 >= even;
  });
}

}  // namespace

std::vector<uint64_t> DivideSlots(const std::vector<WorkerSlots>& needs, uint64_t cap) {
  std::vector<uint64_t> parts(needs.size());
  if (needs.empty()) return parts;
  const Sums sums = SumOf(needs);
  uint64_t left = cap;
  const bool full = sums.held >= cap;
  const uint64_t free = full ? 0 : cap - sums.held;
  const bool keep = !full && HaveRoom(needs, sums, cap);
  const uint64_t reserve = sums.refused == 0 || sums.calm == 0
                               ? free / needs.size()
                               : std::min(free, cap * kReservePercent / 100) / sums.calm;
  const uint64_t wanted = free - reserve * sums.calm;
  for (size_t i = 0; i < needs.size(); ++i) {
    const WorkerSlots& need = needs[i];
    if (full)
      parts[i] = sums.held == 0 ? 0 : PartOf(cap, need.held, sums.held);
    else if (keep)
      parts[i] = need.slots;
    else
      parts[i] =
          need.held + (need.refused > 0 ? PartOf(wanted, need.refused, sums.refused) : reserve);
    left -= parts[i];
  }
  if (keep) return parts;
  // What rounding left, one each, to those who want it.
  for (size_t i = 0; i < needs.size() && left > 0; ++i) {
    if (full ? parts[i] >= needs[i].held : sums.refused > 0 && needs[i].refused == 0) continue;
    ++parts[i];
    --left;
  }
  return parts;
}

}  // namespace lb::controlplane
