// The sockets of the data path: how they are made and what is set on them.
//
// Every socket is non-blocking and closed on exec. TCP ones send without delay (TCP_NODELAY) and
// find dead peers by keepalive. Options that Linux lets accepted sockets inherit are set on the
// listening socket, which saves system calls for every connection; connecting sockets get them once
// they need them. Threading: none.
#pragma once

#include "base/endpoint.h"
#include "base/unique_fd.h"
#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

// Connections waiting to be accepted, per socket; the kernel lowers it to net.core.somaxconn.
inline constexpr int kListenBacklog = 4096;

inline constexpr int kKeepaliveIdleS = 60;      // Silence before the first probe.
inline constexpr int kKeepaliveIntervalS = 10;  // Between probes.
inline constexpr int kKeepaliveProbes = 3;      // Unanswered ones that end the connection.

inline constexpr int kMaxUnsentBytes = 128 * 1024;

// A socket, or the errno why there is none.
struct SocketResult {
  UniqueFd fd;
  int error = 0;
};

// Makes a TCP or unix socket.
SocketResult MakeStreamSocket(int family);

// Lets a TCP socket send at once whatever it is given (tcp(7), TCP_NODELAY).
void DisableNagle(int fd);

// Lets a TCP socket find out that its peer is gone.
void EnableKeepalive(int fd);

// Bounds what a TCP socket takes beyond what the network has room for (kMaxUnsentBytes), so that a
// reader that is slow holds its sender up soon; the send buffer may still grow with the network
// (tcp(7), TCP_NOTSENT_LOWAT). Does nothing to a unix socket.
void BoundUnsent(int fd);

// Binds a socket to an address but leaves the port to connect(2), which finds one that is free for
// that destination (ip(7), IP_BIND_ADDRESS_NO_PORT). Returns 0 or an errno.
int BindSource(int fd, const SocketAddress& source);

// Makes a TCP socket bound to an IP address, one of a group that shares it (SO_REUSEPORT). It takes
// no connections before StartListening.
SocketResult BindListener(const SocketAddress& address);

// Returns 0 or an errno.
int StartListening(int fd);

// The address a socket is bound to, with the port the kernel chose.
Endpoint BoundEndpoint(int fd);

// The addresses of a connected socket's ends; length 0 when it has failed.
SocketAddress PeerAddress(int fd);
SocketAddress OwnAddress(int fd);

// The error a socket met (SO_ERROR), 0 when none; reading clears it.
int TakeSocketError(int fd);

// Makes the next close send a reset instead of a FIN and drop what was not sent: socket(7),
// SO_LINGER with zero time.
void CloseWithReset(int fd);

// What a failed connect's errno says about the backend.
ConnectFailure ClassifyConnectError(int error);

}  // namespace lb::dataplane
