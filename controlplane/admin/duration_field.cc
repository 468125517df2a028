#include "controlplane/admin/duration_field.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {
namespace {

// "7 days", "24 h", "1 s": the largest unit of which it is a whole number above one.
std::string Words(Duration duration) {
  const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  constexpr int64_t kHour = 3600;
  constexpr int64_t kDay = 24 * kHour;
  if (seconds > kDay && seconds % kDay == 0) return absl::StrCat(seconds / kDay, " days");
  if (seconds > kHour && seconds % kHour == 0) return absl::StrCat(seconds / kHour, " h");
  return absl::StrCat(seconds, " s");
}

bool IsDuration(const google::protobuf::Duration& duration) {
  if (duration.nanos() <= -kNanosPerSecond || duration.nanos() >= kNanosPerSecond) return false;
  return duration.seconds() == 0 || duration.nanos() == 0 ||
         (duration.seconds() > 0) == (duration.nanos() > 0);
}

}  // namespace

Outcome<Duration> ReadDuration(const char* field, bool set,
                               const google::protobuf::Duration& duration, Duration otherwise,
                               const DurationRange& range) {
  if (!set) return otherwise;
  const Duration value = FromProto(duration);
  if (IsDuration(duration) && value >= range.min && value <= range.max) return value;
  const std::string given =
      duration.nanos() == 0 ? absl::StrCat(duration.seconds(), " s")
                            : absl::StrCat(duration.seconds(), " s and ", duration.nanos(), " ns");
  return FieldFailure(field,
                      absl::StrCat(given, " is not ", Words(range.min), " to ", Words(range.max)));
}

}  // namespace lb::controlplane
