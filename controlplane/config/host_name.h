// Names that TLS asks for and verifies: of servers, and of routes. Pure; threading: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controlplane/config/text_value.h"

namespace lb::controlplane {

// What is wrong with `text` as a DNS name (RFC 1123 section 2.1, in ASCII) or IP address.
std::optional<TextError> CheckHostName(std::string_view text);

// Likewise as a DNS name that clients ask for (RFC 6066 section 3), whose first label may be "*".
std::optional<TextError> CheckSniName(std::string_view text);

// The one form of a good name: lower case, addresses as RFC 5952.
std::string CanonicalHostName(std::string_view text);

}  // namespace lb::controlplane
