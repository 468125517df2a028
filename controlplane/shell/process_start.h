// When a process started, which tells it from a later one with the same pid. Threading: any.
#pragma once

#include <cstdint>
#include <optional>

namespace lb::controlplane {

// Returns the start time of a living process in clock ticks since the boot, above 0; nullopt when
// there is none, when it is only a zombie, and when /proc does not tell.
std::optional<uint64_t> StartTicksOf(uint32_t pid);

}  // namespace lb::controlplane
