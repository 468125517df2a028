// The few socket calls the test peers share. All sockets are non-blocking. Threading: none.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/unique_fd.h"

namespace lb::testpeer {

// Listens on an IP or unix address with the longest queue the system allows.
absl::StatusOr<UniqueFd> Listen(const Endpoint& address);

// Starts to connect, from the IP address `source` unless it is nullptr. On failure the descriptor
// is invalid and errno says why; otherwise the outcome is TakeError() once the socket is writable.
UniqueFd StartConnect(const SocketAddress& address, const SocketAddress* source = nullptr);

// SO_ERROR: the error waiting on a socket, 0 for none.
int TakeError(int fd);

// Makes close(2) send a reset instead of a FIN.
void CloseWithReset(UniqueFd& fd);

// "ECONNRESET": the name of an errno.
std::string ErrnoName(int error);

}  // namespace lb::testpeer
