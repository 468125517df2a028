// The two forms of the header, each read by a file of its own. Parts of parse.cc.
// Threading: none.
#pragma once

#include <string_view>

#include "dataplane/proxy/parse.h"

namespace lb::dataplane::proxy {

inline constexpr std::string_view kV1Signature = "PROXY ";
inline constexpr std::string_view kV2Signature{"\r\n\r\n\0\r\nQUIT\n", 12};

// Each of `bytes` that begin with the whole signature.
Parsed ParseV1(std::string_view bytes);
Parsed ParseV2(std::string_view bytes);

}  // namespace lb::dataplane::proxy
