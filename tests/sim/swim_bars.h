// What is measured of a cluster in the simulator. Each is run over several worlds, whose seeds
// follow from `seed`. Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/sim/swim_world.h"

namespace lb::sim {

// Seconds, or whatever is counted.
class Samples final {
 public:
  void Add(double value) { values_.push_back(value); }
  // 0 to 1; 0 where there are none.
  double Quantile(double part) const;
  double Max() const { return Quantile(1); }
  size_t size() const { return values_.size(); }

 private:
  std::vector<double> values_;
};

struct Trial {
  size_t members = 10;
  double loss = 0;
  bool tcp_ping = true;
  size_t worlds = 4;
  size_t each = 10;  // Things that are done in each world, one after the other.
  uint64_t seed = 1;
};

// Members crash: seconds until somebody suspects them, somebody calls them dead, all do.
struct Detection {
  Samples first_suspect;
  Samples first_dead;
  Samples all_dead;
  Samples spread;    // From the first to the last one that calls it dead.
  size_t never = 0;  // Not all called it dead within two minutes.
  size_t false_failures = 0;
};
Detection MeasureCrashes(const Trial& run);

// Nothing happens, for `seconds` in each world.
struct Steady {
  double packets_per_s = 0;  // Of a member.
  double bytes_per_s = 0;
  double false_per_hour = 0;  // Of an observer.
  double healthy = 0;         // How many were at full health at the end, 0 to 1.
};
Steady MeasureSteady(const Trial& run, size_t seconds);

// A member says something new of itself: seconds until 99 % know, and all do.
struct Spread {
  Samples most;
  Samples all;
  size_t missed = 0;  // Somebody did not know within five minutes.
};
Spread MeasureUpdates(const Trial& run);

// All start at once, with one seed: seconds until all know all.
Samples MeasureBurstJoin(const Trial& run);

// Half of them do not reach the others for `seconds`: how long they need to find each other again.
Samples MeasureHealing(const Trial& run, size_t seconds);

// `stalled` of them are held up for `hold_s`, with a second between, for two minutes: how often a
// member that was not held up was called dead.
size_t MeasureStalls(const Trial& run, size_t stalled, size_t hold_s);

// Members leave: seconds until all know; and how many called it a failure.
struct Leaves {
  Samples all;
  size_t failures = 0;
};
Leaves MeasureLeaves(const Trial& run);

}  // namespace lb::sim
