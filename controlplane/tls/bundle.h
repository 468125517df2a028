// A file of certificate authorities to what workers are sent. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// Authorities of one file: workers take no more.
inline constexpr size_t kMaxAuthorities = 1'000;

// Returns the authorities in PEM text, each once; nullopt when it is no good, with the reason added
// to `problems`. `now_s` is in seconds since the epoch: where all have expired that is an error of
// code kOutOfTime, with which they are returned all the same, where some have a warning.
std::optional<TrustBundle> ReadBundle(std::string_view text, int64_t now_s,
                                      MaterialProblems& problems);

}  // namespace lb::controlplane
