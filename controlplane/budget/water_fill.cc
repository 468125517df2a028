#include "controlplane/budget/water_fill.h"

#include <algorithm>
#include <numeric>

namespace lb::controlplane {

std::vector<uint64_t> WaterFill(uint64_t total, const std::vector<uint64_t>& demands) {
  std::vector<uint64_t> shares(demands.size(), 0);
  std::vector<size_t> order(demands.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return demands[a] < demands[b]; });
  // Smallest demand first: each takes what it asks for or its even part of what is left.
  uint64_t left = total;
  for (size_t i = 0; i < order.size(); ++i) {
    const uint64_t even = left / (order.size() - i);
    shares[order[i]] = std::min(demands[order[i]], even);
    left -= shares[order[i]];
  }
  // Rounding and modest demands leave something: unmet demands first, then everybody evenly.
  for (size_t i = 0; i < shares.size() && left > 0; ++i) {
    const uint64_t extra = std::min<uint64_t>(left, shares[i] < demands[i] ? 1 : 0);
    shares[i] += extra;
    left -= extra;
  }
  for (size_t i = 0; i < shares.size(); ++i) {
    const uint64_t remaining = shares.size() - i;
    const uint64_t extra = (left + remaining - 1) / remaining;
    shares[i] += extra;
    left -= extra;
  }
  return shares;
}

}  // namespace lb::controlplane
