// When to measure, and what came out: a warm-up, then an interval at whose two ends the CPU time of
// the balancer is read. Threading: one thread.
#pragma once

#include <sys/types.h>

#include <boost/json/object.hpp>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "tests/bench/load/cpu_time.h"
#include "tests/bench/load/meter.h"

namespace lb::bench {

class Measurement final {
 public:
  struct Options {
    Duration warm_up;
    Duration interval;
    // The interval grows until the balancer has run this long (or kOvertime is over): the kernel
    // accounts in ticks of milliseconds, and a short sum of them would say little.
    Duration balancer_run_min;
    std::vector<pid_t> balancer;  // The processes that carry the traffic.
    std::vector<pid_t> beside;    // Others that belong to it; summed apart.
  };

  static constexpr std::chrono::seconds kOvertime{5};
  static constexpr std::chrono::milliseconds kExtension{250};

  // `meter` outlives this.
  Measurement(Options options, Meter& meter, Instant now);

  // To be called after each batch of events; true once the interval is over.
  bool IsOver(Instant now);

  // Once it is over: counts, CPU times in ns, and quantiles of the latency in us.
  boost::json::object Result() const;

 private:
  struct Sample {
    Instant at;
    CpuTime balancer;
    CpuTime beside;
    uint64_t generator_ns = 0;
  };

  Sample Take(Instant now) const;
  bool BalancerRanEnough() const;

  const Options options_;
  Meter& meter_;
  Instant next_;  // The end of the warm-up, then that of the interval.
  Instant latest_end_;
  Sample begin_;
  Sample end_;
};

}  // namespace lb::bench
