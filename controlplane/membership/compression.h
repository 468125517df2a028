// The layer around what was packed. Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// Unpacks `body`, the map behind the type byte. kNone: `out` is set, to at most `max_bytes`;
// otherwise kCompression.
WireError Unpack(std::string_view body, size_t max_bytes, std::string& out);

}  // namespace lb::controlplane::swim
