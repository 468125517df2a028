#include "controlplane/shell/socket_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/endpoint.h"
#include "base/log.h"

namespace lb::controlplane {
namespace {

// NGROUPS_MAX, which nobody has; the usual peer has a dozen.
constexpr size_t kMaxGroups = 65536;
constexpr size_t kUsualGroups = 64;

std::vector<gid_t> ReadGroups(int fd) {
  std::vector<gid_t> gids(kUsualGroups);
  auto bytes = static_cast<socklen_t>(gids.size() * sizeof(gid_t));
  int result = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids.data(), &bytes);
  // ERANGE tells the size.
  if (result != 0 && errno == ERANGE && bytes <= kMaxGroups * sizeof(gid_t)) {
    gids.resize(bytes / sizeof(gid_t));
    result = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids.data(), &bytes);
  }
  gids.resize(result == 0 ? bytes / sizeof(gid_t) : 0);
  return gids;
}

void Set(int fd, int level, int option, int value) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0)
    LogWarn("cannot set a socket option",
            {{"option", std::to_string(option)}, {"error", std::strerror(errno)}});
}

}  // namespace

std::optional<UnixPeer> ReadUnixPeer(int fd) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  // On TCP the kernel answers too, with no process.
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0)
    return std::nullopt;
  UnixPeer read{peer.pid, peer.uid, ReadGroups(fd)};
  read.gids.push_back(peer.gid);
  return read;
}

std::string SourceOf(int fd) {
  constexpr size_t kNetworkBytes = 8;
  SocketAddress address;
  address.length = sizeof(address.storage);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    return "";
  const absl::StatusOr<Endpoint> endpoint = Endpoint::FromSocketAddress(address);
  if (!endpoint.ok() || endpoint->kind() != Endpoint::Kind::kIp) return "";
  if (!endpoint->IsIpv6()) return endpoint->host();
  in6_addr network{};
  ::inet_pton(AF_INET6, endpoint->host().c_str(), &network);
  std::fill(std::begin(network.s6_addr) + kNetworkBytes, std::end(network.s6_addr), uint8_t{0});
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET6, &network, text, sizeof(text));
  return std::string(text) + "/64";
}

void PrepareTcp(int fd) {
  constexpr int kIdleS = 30;
  constexpr int kIntervalS = 10;
  constexpr int kProbes = 3;
  Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleS);
  Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalS);
  Set(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

}  // namespace lb::controlplane
