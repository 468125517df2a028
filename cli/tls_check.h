// Whether a control plane can be reached over TCP with mutual TLS, and if not, why, in words an
// operator can act on. gRPC reports all of this as one vague UNAVAILABLE.
//
// Threading: none.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/tls_files.h"

namespace lb::cli {

// Connects, shakes hands, waits for the server's first bytes and closes, within `timeout`.
// `server_name` is what the server's certificate must name, a host or an IP address. Errors have a
// hint: Unavailable when nobody answers, DeadlineExceeded, Unauthenticated when either certificate
// is refused.
absl::Status CheckTlsReachable(const Endpoint& address, const TlsPems& pems,
                               const std::string& server_name, std::chrono::milliseconds timeout);

}  // namespace lb::cli
