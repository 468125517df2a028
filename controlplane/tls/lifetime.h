// How near an end is: what is made for a few days is renewed in its last days, what is made for a
// year is not to wait for them. Pure; threading: none.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lb::controlplane {

// From when to when something is good, seconds since the epoch. A begin of 0 is not known.
struct Lifetime {
  int64_t begin_s = 0;
  int64_t end_s = 0;
};

// How long before its end somebody is to be told of it, who wants to know `within_s` before: at
// most a third of the lifetime, so that what is renewed in time is never told of.
inline int64_t NearS(const Lifetime& lifetime, int64_t within_s) {
  if (lifetime.begin_s <= 0 || lifetime.end_s <= lifetime.begin_s) return within_s;
  return std::min(within_s, (lifetime.end_s - lifetime.begin_s) / 3);
}

// Whether the end is that near at `now_s`, or past.
inline bool IsNear(const Lifetime& lifetime, int64_t within_s, int64_t now_s) {
  return lifetime.end_s - now_s < NearS(lifetime, within_s);
}

}  // namespace lb::controlplane
