#include "controlplane/budget/fair_shares.h"

#include <algorithm>
#include <numeric>

namespace lb::controlplane {

std::vector<uint64_t> FairShares(uint64_t slots, const std::vector<uint64_t>& demands) {
  const uint64_t count = demands.size();
  std::vector<uint64_t> shares(demands.size(), 0);
  if (count == 0) return shares;
  // Where even one for each is too much, one demand is as good as another; else it is above
  // `slots`.
  const uint64_t most = slots < count ? 1 : slots;
  std::vector<size_t> order(demands.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::min(demands[a], most) < std::min(demands[b], most);
  });
  uint64_t left = slots;
  uint64_t waiting = count;
  for (const size_t i : order) {
    shares[i] = std::min(demands[i], left / waiting);
    left -= shares[i];
    --waiting;
  }
  // Rounding first, then a start for the idle, then unclaimed slots; the hungriest come first, they
  // use an odd one soonest.
  for (auto it = order.rbegin(); it != order.rend() && left > 0; ++it) {
    if (shares[*it] > 0) continue;
    shares[*it] = 1;
    --left;
  }
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
