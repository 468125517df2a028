// Instants and durations as protobuf's, for display. Pure; threading: none.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace lb::controlplane {

inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

inline google::protobuf::Timestamp ToProto(WallTime time) {
  const int64_t nanos =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  google::protobuf::Timestamp out;
  out.set_seconds(nanos / kNanosPerSecond);
  out.set_nanos(static_cast<int32_t>(nanos % kNanosPerSecond));
  return out;
}

inline WallTime FromProto(const google::protobuf::Timestamp& time) {
  const auto since_epoch =
      std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos());
  return WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
}

// The nearest Duration, at most 10 years either way: request values are checked after this.
inline Duration FromProto(const google::protobuf::Duration& duration) {
  constexpr int64_t kMostSeconds = int64_t{10} * 365 * 24 * 3600;
  return std::chrono::seconds(std::clamp(duration.seconds(), -kMostSeconds, kMostSeconds)) +
         std::chrono::nanoseconds(duration.nanos());
}

inline google::protobuf::Duration ToProto(Duration duration) {
  google::protobuf::Duration out;
  out.set_seconds(duration.count() / kNanosPerSecond);
  out.set_nanos(static_cast<int32_t>(duration.count() % kNanosPerSecond));
  return out;
}

}  // namespace lb::controlplane
