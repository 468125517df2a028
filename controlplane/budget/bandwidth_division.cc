#include "controlplane/budget/bandwidth_division.h"

#include <algorithm>
#include <cstddef>

namespace lb::controlplane {
namespace {

// Who is not throttled keeps this much of what it uses, so that it can grow.
constexpr double kRoom = 1.25;
// The least part of a limit that a worker in use gets: enough to show that it wants more.
constexpr double kLeastPart = 0.02;

}  // namespace

std::vector<double> DivideBandwidth(const std::vector<BandwidthWish>& wishes, double limit) {
  std::vector<double> parts(wishes.size(), 1);
  if (limit <= 0) return parts;
  double left = 1;
  double flows = 0;
  double workers = 0;
  for (size_t i = 0; i < wishes.size(); ++i) {
    const BandwidthWish& wish = wishes[i];
    parts[i] = kLeastPart * wish.workers;
    if (!wish.throttled)
      parts[i] = std::max(parts[i], kRoom * wish.bytes_per_s / limit);
    else
      flows += wish.connections;
    left -= parts[i];
    workers += wish.workers;
  }
  if (left <= 0) {
    const double all = 1 - left;
    for (double& part : parts) part /= all;
    return parts;
  }
  // With nobody throttled what is left is for all alike.
  const bool any = flows > 0;
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (!any) parts[i] += left * wishes[i].workers / workers;
    if (any && wishes[i].throttled) parts[i] += left * wishes[i].connections / flows;
  }
  return parts;
}

}  // namespace lb::controlplane
