// Rise and fall: how single check results become the state of a backend. A value; threading: none.
#pragma once

#include <cstdint>

#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

class RiseFall final {
 public:
  using State = type::v1::HealthState;

  // Starts UNKNOWN, or with a state that is known from elsewhere.
  explicit RiseFall(State state = type::v1::HEALTH_STATE_UNKNOWN) : state_(state) {}

  // Takes a result; returns true when the state changed. The first result of an UNKNOWN backend
  // decides alone; later `rise` passes or `fall` failures in a row (each >= 1) turn the state.
  bool Add(bool passed, uint32_t rise, uint32_t fall) {
    const State wanted = passed ? type::v1::HEALTH_STATE_HEALTHY : type::v1::HEALTH_STATE_UNHEALTHY;
    if (state_ == wanted) {
      against_ = 0;
      return false;
    }
    ++against_;
    if (state_ != type::v1::HEALTH_STATE_UNKNOWN && against_ < (passed ? rise : fall)) return false;
    against_ = 0;
    state_ = wanted;
    return true;
  }

  State state() const { return state_; }
  // Results in a row that contradict the state, so far too few to turn it.
  uint32_t against() const { return against_; }

 private:
  State state_;
  uint32_t against_ = 0;  // Results in a row that contradict state_.
};

}  // namespace lb::controlplane
