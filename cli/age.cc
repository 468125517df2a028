#include "cli/age.h"

#include <cctype>
#include <cstdio>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// Longest wait that makes sense for one command; larger values are slips of the unit.
constexpr auto kDurationMax = std::chrono::hours(24);

std::string TwoUnits(int64_t large, const char* large_unit, int64_t small, const char* small_unit) {
  if (small == 0) return absl::StrCat(large, large_unit);
  return absl::StrCat(large, large_unit, small, small_unit);
}

}  // namespace

std::string FormatAge(std::chrono::seconds age) {
  const int64_t s = age.count();
  if (s <= 0) return "0s";
  if (s < 60) return absl::StrCat(s, "s");
  const int64_t m = s / 60;
  if (m < 10) return TwoUnits(m, "m", s % 60, "s");
  if (m < 60) return absl::StrCat(m, "m");
  const int64_t h = m / 60;
  if (h < 24) return TwoUnits(h, "h", m % 60, "m");
  const int64_t d = h / 24;
  if (d < 10) return TwoUnits(d, "d", h % 24, "h");
  return absl::StrCat(d, "d");
}

std::string FormatBytes(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, "B");
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, value < 9.95 ? "%.1f%s" : "%.0f%s", value, kUnits[unit]);
  return buffer;
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view what,
                                                        std::string_view text) {
  const std::string shown = absl::StrCat(std::string(what), ": '", Escape(text), "'");
  absl::Duration parsed;
  if (!absl::ParseDuration(absl::string_view(text.data(), text.size()), &parsed)) {
    const bool digits =
        !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
    if (digits) return UsageError(absl::StrCat(shown, " has no unit; write 30s, 500ms, 1m ..."));
    return UsageError(absl::StrCat(shown, " is not a duration; write 30s, 500ms, 1m30s ..."));
  }
  if (parsed < absl::Milliseconds(1) || parsed > absl::FromChrono(kDurationMax))
    return UsageError(absl::StrCat(shown, " is out of range; allowed are 1ms to 24h"));
  return absl::ToChronoMilliseconds(parsed);
}

}  // namespace lb::cli
