// Formats of text values: names, addresses, networks, paths. Pure; threading: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "controlplane/config/key_spec.h"

namespace lb::controlplane {

struct TextError {
  std::string_view code;  // One of codes.h.
  std::string why;        // Goes on after the value: " is longer than 63 bytes".
  std::string hint;
};

// Returns what is wrong with `text` as a value of `spec`, which has one of the text types.
std::optional<TextError> CheckText(const KeySpec& spec, std::string_view text);

// Parses the address of a name server: "10.0.0.53", "10.0.0.53:5353", "fd00::53", "[fd00::53]:53".
// The port is 53 (RFC 1035 4.2) when none is given. InvalidArgument for anything else.
absl::StatusOr<Endpoint> ParseServer(std::string_view text);

// The name a backend has without one of its own.
std::string DefaultBackendName(std::string_view address);

// True when a good kLogFile names where to write, false when it is off.
bool NamesLog(std::string_view text);

}  // namespace lb::controlplane
