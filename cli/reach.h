// Whether a unix socket can be connected to, and if not, why in words an operator can act on. gRPC
// reports all of this as one vague UNAVAILABLE. Threading: none.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lb::cli {

// Whether it is meant to be HOST:PORT.
bool IsTcpEndpoint(std::string_view endpoint);

// Returns the path of "unix:/PATH" or "unix:///PATH". InvalidArgument for what is none.
absl::StatusOr<std::string> ParseUnixEndpoint(std::string_view endpoint);

// Connects once and closes. Unavailable names the path, the cause, and has a hint.
absl::Status CheckReachable(const std::string& path);

}  // namespace lb::cli
