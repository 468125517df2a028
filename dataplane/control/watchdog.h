// When a worker whose I/O thread hangs should end itself, so that its listening sockets leave the
// SO_REUSEPORT group and no more clients wait for it.
//
// Pure: told every kInterval whether the threads answered; threading: none.
#pragma once

#include <chrono>

#include "base/time.h"

namespace lb::dataplane {

class Watchdog final {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  // How long a thread may be silent: two orders above the longest turn of a busy loop.
  static constexpr Duration kSilence = std::chrono::seconds(10);
  // A gap between two checks above this means that the whole process stood still (stopped, in a
  // debugger, a suspended machine): the silence is then nobody's fault.
  static constexpr Duration kLongestGap = std::chrono::seconds(3);

  // True when the next check is due.
  bool Due(Instant now) const { return now >= last_check_ + kInterval; }

  // Takes the result of a check; true when the process should end.
  [[nodiscard]] bool Check(bool all_answered, Instant now) {
    const bool stood_still = now - last_check_ > kLongestGap;
    last_check_ = now;
    if (all_answered || stood_still) silent_since_ = now;
    return now - silent_since_ >= kSilence;
  }

 private:
  Instant last_check_;
  Instant silent_since_;
};

}  // namespace lb::dataplane
