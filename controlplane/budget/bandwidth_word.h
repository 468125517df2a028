// What a host tells all others of the bandwidth that its workers use, as bytes.
//
// A text begins with its kind and version (HostWordKind::kBandwidth), then comes
// lb.host.v1.BandwidthWord. Pure; threading: none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/budget/bandwidth_use.h"

namespace lb::controlplane {

// Of a text, so that it fits into a packet of 1,400 bytes when it is sealed.
inline constexpr size_t kMaxBandwidthTextBytes = 1'200;
// Uses in one text: each takes 37 bytes at most.
inline constexpr size_t kUsesOfBandwidthText = 32;

// As many texts as it takes.
std::vector<std::string> EncodeBandwidths(const std::vector<BandwidthUse>& uses);

// Absent: malformed, of another version, too long, or with numbers that cannot be.
std::optional<std::vector<BandwidthUse>> DecodeBandwidths(std::string_view text);

}  // namespace lb::controlplane
