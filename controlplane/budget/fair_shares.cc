#include "controlplane/budget/fair_shares.h"

#include <algorithm>
#include <numeric>

namespace lb::controlplane {

std::vector<uint64_t> FairShares(uint64_t slots, const std::vector<uint64_t>& demands) {
  const uint64_t count = demands.size();
  std::vector<uint64_t> shares(demands.size(), 0);
  if (count == 0) return shares;
  const uint64_t floor =
      std::min(std::max<uint64_t>(1, slots / (kIdlePart * count)), slots / count);
  std::vector<size_t> order(demands.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // Above `slots` one demand is as good as another: their order stays.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::min(demands[a], slots) < std::min(demands[b], slots);
  });
  uint64_t left = slots;
  uint64_t waiting = count;
  for (const size_t i : order) {
    shares[i] = std::min(std::max(demands[i], floor), left / waiting);
    left -= shares[i];
    --waiting;
  }
  // Rounding and unclaimed slots; the hungriest come first, they use an odd one soonest.
  waiting = count;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const uint64_t extra = (left + waiting - 1) / waiting;
    shares[*it] += extra;
    left -= extra;
    --waiting;
  }
  return shares;
}

}  // namespace lb::controlplane
