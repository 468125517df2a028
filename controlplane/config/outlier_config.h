// When workers leave a backend out for failing real connections, as the configuration says it.
// Plain values; threading: none.
#pragma once

#include <chrono>
#include <cstdint>

namespace lb::controlplane {

struct OutlierConfig {
  uint32_t failures = 5;  // In a row.
  std::chrono::milliseconds ejection_time{10'000};
  uint32_t max_ejected_percent = 50;
  std::chrono::milliseconds max_connect_time{0};  // A longer connect is a failure; 0: none is.

  friend bool operator==(const OutlierConfig&, const OutlierConfig&) = default;
};

}  // namespace lb::controlplane
