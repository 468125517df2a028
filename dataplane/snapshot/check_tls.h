// What a worker refuses of the TLS in a snapshot, before any of it is parsed. Threading: none.
#pragma once

#include <vector>

#include "dataplane/snapshot/build_tables.h"

namespace lb::dataplane {

inline constexpr int kMaxCertificates = 10'000;  // Of one snapshot, and of one rule.
inline constexpr int kMaxAlpn = 32;              // Protocols of one rule.
inline constexpr size_t kMaxAlpnBytes = 255;     // RFC 7301 section 3.1.

// Problems of material and of every rule's `tls` and `backend_tls`.
std::vector<Problem> CheckTls(const lb::type::v1::Snapshot& snapshot);

}  // namespace lb::dataplane
