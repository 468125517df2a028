// Orders to log more or less for a while. The time is kept here, so that the level returns without
// a control plane, too. Threading: the control thread.
#pragma once

#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "base/log.h"
#include "base/time.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class LogLane final {
 public:
  static constexpr std::chrono::seconds kMaxDuration{24 * 3600};

  // Sets the level. InvalidArgument: an unknown level, or no time up to kMaxDuration.
  absl::Status Take(const lb::worker::v1::Command::SetLogLevel& order, Instant now);

  // Takes the level back when its time is over; call it several times a second.
  void Step(Instant now);

  // The level set and not taken back yet.
  std::optional<LogLevel> level() const { return level_; }

 private:
  std::optional<LogLevel> level_;
  Instant until_;
};

}  // namespace lb::dataplane
