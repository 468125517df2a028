// How one bandwidth limit is divided among those who use it: flow-proportional sharing with max-min
// fairness (Raghavan et al., "Cloud Control with Distributed Rate Limiting", SIGCOMM 2007, 4.3).
// Pure; threading: none.
#pragma once

#include <vector>

namespace lb::controlplane {

// What one worker, or several together, would like of one direction.
struct BandwidthWish {
  double bytes_per_s = 0;  // Used of late.
  bool throttled = false;
  double connections = 1;
  double workers = 1;
};

// The part of `limit`, bytes per second, for each, which together are all of it: who is not
// throttled keeps what it uses and some more, the rest is divided by connections among those that
// are. A limit of 0 gives everybody all.
std::vector<double> DivideBandwidth(const std::vector<BandwidthWish>& wishes, double limit);

}  // namespace lb::controlplane
