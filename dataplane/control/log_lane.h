// Orders to log more or less for a while. The time is kept here, so that the level returns without
// a control plane, too. Threading: the control thread.
#pragma once

#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "base/grpc_log.h"
#include "base/log.h"
#include "base/time.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

// The level that the process was started with, as a hello says it.
lb::type::v1::LogLevel LevelAtStart();

class LogLane final {
 public:
  static constexpr std::chrono::seconds kMaxDuration{24 * 3600};

  // Sets the level of the process, or of gRPC's lines. InvalidArgument: an unknown level, or no
  // time up to kMaxDuration.
  absl::Status Take(const lb::worker::v1::Command::SetLogLevel& order, Instant now);

  // Takes levels back when their time is over; call it several times a second.
  void Step(Instant now);

  // The levels set and not taken back yet.
  std::optional<LogLevel> level() const { return own_.level; }
  std::optional<LogLevel> grpc_level() const { return grpc_.level; }

 private:
  struct Setting {
    void (*change)(std::optional<LogLevel> level);
    std::optional<LogLevel> level{};
    Instant until{};
  };

  Setting own_{ChangeLogLevel};
  Setting grpc_{ChangeGrpcLogLevel};
};

}  // namespace lb::dataplane
