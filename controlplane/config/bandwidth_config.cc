#include <algorithm>

#include "controlplane/config/config.h"

namespace lb::controlplane {
namespace {

constexpr uint64_t kMinDefaultBurstBytes = 64 * 1024;

}  // namespace

uint64_t BandwidthRatesConfig::BurstOf(uint64_t bytes_per_s) const {
  return burst_bytes.value_or(std::max(kMinDefaultBurstBytes, bytes_per_s / 4));
}

}  // namespace lb::controlplane
