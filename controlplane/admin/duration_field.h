// Durations of requests, each of which has a range. Pure; threading: none.
#pragma once

#include <chrono>

#include "base/time.h"
#include "controlplane/admin/failure.h"
#include "google/protobuf/duration.pb.h"

namespace lb::controlplane {

// What a field may be, both ends included.
struct DurationRange {
  Duration min;
  Duration max;
};

// Of the timeouts of drains. A worker waits no longer whatever it is told.
inline constexpr DurationRange kDrainRange{std::chrono::seconds(1), std::chrono::hours(7 * 24)};
// Of what goes back by itself: log levels, configurations that are not confirmed.
inline constexpr DurationRange kReturnRange{std::chrono::seconds(1), std::chrono::hours(24)};

// Of how long ago something is. Nothing is too long: a FromProto duration is ten years at most.
inline constexpr DurationRange kAgoRange{Duration::zero(), std::chrono::hours(11 * 365 * 24)};

// The duration of a request, or `otherwise` when it is not set. FIELD_INVALID when it is outside
// `range`, or no duration by protobuf's rules: seconds and nanoseconds of one sign, and less than
// one second of the latter.
Outcome<Duration> ReadDuration(const char* field, bool set,
                               const google::protobuf::Duration& duration, Duration otherwise,
                               const DurationRange& range);

}  // namespace lb::controlplane
