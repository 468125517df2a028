// How many connections per second one client asks of one worker: an average that follows a change
// at once, when it is larger than chance explains, and is steady otherwise.
//
// The average starts as a plain mean and becomes an exponential one; it starts again when a count
// differs from what it foretells by more than four standard deviations of a Poisson count, or after
// a silence that it makes improbable. Connections that were refused count too. Pure; threading:
// none.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace lb::controlplane {

class ClientDemand final {
 public:
  // `count` arrivals in `elapsed`, which is above 0.
  void Note(uint64_t count, Duration elapsed);

  // Per second.
  double rate() const { return rate_; }
  // Per second, over some ten seconds; never started again.
  double slow_rate() const { return slow_rate_; }

  // Whether `count` arrivals in `elapsed` are far more than expected.
  bool IsJump(uint64_t count, Duration elapsed) const;

 private:
  double rate_ = 0;
  double slow_rate_ = 0;
  uint64_t samples_ = 0;
  uint64_t slow_samples_ = 0;
  double silent_s_ = 0;
};

}  // namespace lb::controlplane
