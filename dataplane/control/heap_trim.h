// When to give freed memory back to the system.
//
// glibc keeps what was freed for the next connections, also after a peak that will not come again
// for hours. malloc_trim(3) gives back every whole free page, at a cost that grows with the heap,
// so it is only worth it after a large fall in the number of connections. Pure; threading: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace lb::dataplane {

class HeapTrim final {
 public:
  // Fewer connections less are not worth it: some hundred KiB.
  static constexpr uint64_t kMinFall = 1'000;
  // At most this often.
  static constexpr Duration kInterval = std::chrono::seconds(2);

  // Takes the number of connections open now; true when it is time to trim: less than half of the
  // most since the last time.
  [[nodiscard]] bool Due(uint64_t connections, Instant now) {
    peak_ = std::max(peak_, connections);
    if (peak_ - connections < kMinFall || connections > peak_ / 2) return false;
    if (now < trimmed_at_ + kInterval) return false;
    peak_ = connections;
    trimmed_at_ = now;
    return true;
  }

 private:
  uint64_t peak_ = 0;
  Instant trimmed_at_{};
};

}  // namespace lb::dataplane
