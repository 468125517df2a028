// What a host's workers use of one bandwidth limit that hosts share. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "controlplane/budget/host_id.h"

namespace lb::controlplane {

// Of a client or a backend under one limit; the same on every host.
using BandwidthId = uint64_t;

struct BandwidthUse {
  struct Way {
    double bytes_per_s = 0;
    bool throttled = false;  // Somebody waits for his turn.
    friend bool operator==(const Way&, const Way&) = default;
  };

  BandwidthId id = 0;
  Way upload;
  Way download;
  uint32_t connections = 0;  // 0: it is over.
  uint32_t workers = 1;      // That it is spread over.
  friend bool operator==(const BandwidthUse&, const BandwidthUse&) = default;
};

// `client` is as in RateReport; 0 with a backend.
inline BandwidthId IdOfBandwidth(std::string_view rule, uint64_t client, std::string_view backend) {
  uint64_t hash = Fnv1a({"\0", 1}, Fnv1a(rule));
  for (int shift = 56; shift >= 0; shift -= 8) {
    const char byte = static_cast<char>(client >> shift);
    hash = Fnv1a({&byte, 1}, hash);
  }
  return Fnv1a(backend, hash);
}

}  // namespace lb::controlplane
