// Where an API listens: an IP address, or a unix socket file with the right owner and mode from its
// first moment.
//
// The file is made with mode 0600, given to its group, and only then opened to it. Threading: none.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/listen.h"

namespace lb::controlplane {

struct ApiListenerOptions {
  Endpoint address;    // Kind kUnix or kIp.
  std::string owner;   // User given the file, when it exists and we are root.
  std::string group;   // Likewise, or when we are a member; otherwise the caller's own.
  std::string flag;    // "--worker-api", for messages.
  mode_t mode = 0660;  // Of the file.
};

// Binds and listens, non-blocking. A socket file nobody listens on is replaced. Errors name the
// path and the flag: AlreadyExists when somebody answers there or it is no socket, NotFound when
// its folder is missing, PermissionDenied, Unavailable.
absl::StatusOr<Listening> ListenApi(const ApiListenerOptions& options);

}  // namespace lb::controlplane
