// What bounds a run of the generator. Threading: none.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/bench/load/meter.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::bench {

// Both ends of a connection are in this process, under one limit of descriptors.
inline constexpr uint32_t kConnectionsMax = 30'000;
inline constexpr uint64_t kMessageBytesMax = uint64_t{1} << 30;
inline constexpr uint64_t kMillisecondsMax = 600'000;

// A run with more failures than this measures the failures.
inline constexpr uint64_t kErrorsMax = 2'000;

// The error that ends a run, once there were too many.
inline absl::Status CheckErrors(const Meter& meter) {
  if (meter.errors <= kErrorsMax) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      meter.errors, " connections failed; the last: ",
      meter.last_error == 0 ? "closed too early" : testpeer::ErrnoName(meter.last_error)));
}

}  // namespace lb::bench
