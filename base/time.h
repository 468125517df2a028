// The two clocks. Logic takes an Instant as an argument and never reads a clock; wall time is only
// for people. Files that may read one are listed in tests/lint.
#pragma once

#include <chrono>

namespace lb {

// Steady time: never jumps, means nothing outside this process.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

// Wall time, for display and for files.
using WallTime = std::chrono::system_clock::time_point;

// A pair read together, to turn an Instant into wall time for display.
struct ClockReading {
  Instant steady;
  WallTime wall;

  // Returns the wall time of `instant`; exact unless the wall clock was set in between.
  WallTime ToWall(Instant instant) const {
    return wall + std::chrono::duration_cast<WallTime::duration>(instant - steady);
  }
};

// Reads both clocks. Only shells and main functions call this.
inline ClockReading ReadClocks() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

}  // namespace lb
