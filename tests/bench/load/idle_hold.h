// Many connections that had one exchange and are then held open, so that somebody can look at what
// the balancer keeps for them. Threading: one thread.
#pragma once

#include "absl/status/status.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/load/meter.h"
#include "tests/bench/load/workload.h"

namespace lb::bench {

// Opens the connections, reports {"held": N, "errors": N}, holds them until SIGTERM or SIGINT, and
// reports again. Errors: what kept them from being opened, or that nobody ended the hold in time.
absl::Status HoldIdle(const Workload& workload, Generator& generator, const Meter& meter);

}  // namespace lb::bench
