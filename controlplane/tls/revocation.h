// A file of certificate revocation lists (RFC 5280 section 5) to what workers are sent.
// Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// Lists of one file: workers take no more.
inline constexpr size_t kMaxRevocationLists = 1'000;

// Returns the lists in PEM text, or the one list in DER; nullopt when it is no good, with the
// reason added to `problems`. A list that is past its next update, or not yet in force, at `now_s`
// (seconds since the epoch) is an error of code kOutOfTime, since no certificate of its issuer can
// be verified then; the lists are returned all the same.
std::optional<RevocationList> ReadRevocations(std::string_view text, int64_t now_s,
                                              MaterialProblems& problems);

}  // namespace lb::controlplane
