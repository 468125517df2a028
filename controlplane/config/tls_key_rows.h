// The rows of the table of keys that are about TLS. Used by key_rows.cc only. Threading: safe.
#pragma once

#include <vector>

#include "controlplane/config/key_spec.h"

namespace lb::controlplane {

// RFC 1035 section 2.3.4, without the dot of the root.
inline constexpr uint64_t kMaxHostNameBytes = 253;

// Routes of a rule by the name in the ClientHello.
std::vector<KeySpec> SniRows();
// TLS towards clients.
std::vector<KeySpec> TlsRows();
// TLS towards backends.
std::vector<KeySpec> BackendTlsRows();

}  // namespace lb::controlplane
