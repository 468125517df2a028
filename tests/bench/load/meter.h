// What one run counted. Threading: the generator's one thread.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "tests/bench/load/histogram.h"

namespace lb::bench {

struct Meter {
  // False during the warm-up and after the end: then only errors count.
  bool measuring = false;
  uint64_t operations = 0;  // Connections or round trips, as the mode says.
  uint64_t bytes_to_clients = 0;
  uint64_t bytes_to_servers = 0;
  Histogram latency_ns;
  uint64_t errors = 0;
  int last_error = 0;  // An errno; 0: the other side closed too early.

  void CountOperation(Duration took) {
    if (!measuring) return;
    ++operations;
    latency_ns.Add(static_cast<uint64_t>(took.count()));
  }

  void CountError(int error) {
    ++errors;
    last_error = error;
  }
};

}  // namespace lb::bench
