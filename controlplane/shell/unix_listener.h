// A listening unix socket file with the right owner and mode from its first moment.
//
// The file is made with mode 0600 (unix(7): fchmod on the socket before bind limits it, without
// touching the process' umask), given to its group, and only then opened to it. Threading: none.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/unique_fd.h"

namespace lb::controlplane {

struct UnixListenerOptions {
  Endpoint address;   // Kind kUnix.
  std::string owner;  // User given the file, when it exists and we are root.
  std::string group;  // Likewise; otherwise the caller's own.
  std::string flag;   // "--worker-api", for messages.
};

// Connections the kernel keeps until they are accepted.
inline constexpr int kUnixBacklog = 128;

// Binds and listens, non-blocking. A socket file nobody listens on is replaced. Errors name the
// path: FailedPrecondition when somebody answers there or it is no socket, NotFound when its folder
// is missing, PermissionDenied, Unavailable.
absl::StatusOr<UniqueFd> ListenUnix(const UnixListenerOptions& options);

}  // namespace lb::controlplane
