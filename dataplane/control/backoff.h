// How long to wait before the next attempt: doubling, bounded, and spread, so that the workers of a
// host do not all come back in the same moment.
//
// Source: "equal jitter" of M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog,
// 2015: half of the delay is fixed, half is random. Pure; threading: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/prng.h"

namespace lb::dataplane {

class Backoff final {
 public:
  static constexpr std::chrono::milliseconds kFirst{100};
  static constexpr std::chrono::milliseconds kLongest{5'000};

  explicit Backoff(uint64_t seed) : prng_(seed) {}

  // Returns the delay before the next attempt: between half of the current step and all of it.
  std::chrono::milliseconds Next() {
    const auto half = static_cast<uint64_t>(step_.count()) / 2;
    const std::chrono::milliseconds delay(half + prng_.Below(half + 1));
    step_ = std::min(step_ * 2, kLongest);
    return delay;
  }

  // Call after a success: the next failure starts with the first step again.
  void Reset() { step_ = kFirst; }

 private:
  Prng prng_;
  std::chrono::milliseconds step_ = kFirst;
};

}  // namespace lb::dataplane
