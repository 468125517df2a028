// Spans of time, sizes and durations as people read and write them. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace lb::cli {

// Returns a short age with at most two units: "0s", "59s", "4m10s", "23h5m", "6d2h", "400d". From
// ten of a unit on the smaller one is left out for minutes ("14m"). Negative is "0s": clocks
// differ.
std::string FormatAge(std::chrono::seconds age);

// Returns bytes with a binary unit: "0B", "1023B", "1.5KiB", "12GiB".
std::string FormatBytes(uint64_t bytes);

// Parses a duration with its unit ("500ms", "5s", "1m30s"), 1 ms to 24 h. InvalidArgument names
// `what` ("--timeout"), the value and what is allowed.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view what,
                                                        std::string_view text);

}  // namespace lb::cli
