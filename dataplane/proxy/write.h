// Writes the PROXY header that tells a backend who the client is, without extensions
// (proxy-protocol.txt 2.1, 2.2). Pure; threading: none.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/proxy/header.h"

namespace lb::dataplane::proxy {

enum class Version : uint8_t { kNone, k1, k2 };

// The header of a connection from `source` to `destination`; "" for kNone. When only one of them is
// an IPv4 address it is written in its IPv6 form, since a header has one family.
std::string WriteHeader(Version version, const Address& source, const Address& destination);

}  // namespace lb::dataplane::proxy
