// Who is at the other end of a connected socket, as the kernel knows it. Threading: none.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace lb::controlplane {

// The process that connected a unix socket, as it was then.
struct UnixPeer {
  pid_t pid = 0;  // In our pid namespace.
  uid_t uid = 0;
  std::vector<gid_t> gids;  // All of them.
};

// Source: unix(7) and socket(7), SO_PEERCRED and SO_PEERGROUPS. Absent: not a connected unix
// socket.
std::optional<UnixPeer> ReadUnixPeer(int fd);

// What connections are counted by: an IPv4 address, or an IPv6 network of 64 bits, which is what
// one customer gets at least (RFC 6177). Empty: not a connected TCP socket.
std::string SourceOf(int fd);

// Small answers go out at once, and a peer that vanished is noticed within a minute.
void PrepareTcp(int fd);

}  // namespace lb::controlplane
