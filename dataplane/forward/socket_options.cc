#include "dataplane/forward/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// An integer option on a socket of the right kind cannot fail.
void SetOption(int fd, int level, int option, int value) {
  LB_CHECK(setsockopt(fd, level, option, &value, sizeof value) == 0);
}

// What getpeername(2) or getsockname(2) tells.
SocketAddress AddressBy(int (*call)(int, sockaddr*, socklen_t*), int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) return {};
  return address;
}

}  // namespace

SocketResult MakeStreamSocket(int family) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return {UniqueFd(), errno};
  return {std::move(fd), 0};
}

void DisableNagle(int fd) { SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

void EnableKeepalive(int fd) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleS);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalS);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

void BoundUnsent(int fd) {
  const int bytes = kMaxUnsentBytes;
  LB_CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) == 0 ||
           errno == EOPNOTSUPP);
}

int BindSource(int fd, const SocketAddress& source) {
  SetOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
  return bind(fd, source.get(), source.length) == 0 ? 0 : errno;
}

SocketResult BindListener(const SocketAddress& address) {
  SocketResult made = MakeStreamSocket(address.family());
  if (!made.fd.valid()) return made;
  const int fd = made.fd.get();
  DisableNagle(fd);
  EnableKeepalive(fd);
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  // "[::]:80" and "0.0.0.0:80" are two addresses that two rules may have.
  if (address.family() == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (bind(fd, address.get(), address.length) != 0) return {UniqueFd(), errno};
  return made;
}

int StartListening(int fd) { return listen(fd, kListenBacklog) == 0 ? 0 : errno; }

Endpoint BoundEndpoint(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  LB_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) == 0);
  return Endpoint::FromSocketAddress(address).value();
}

SocketAddress PeerAddress(int fd) { return AddressBy(getpeername, fd); }

SocketAddress OwnAddress(int fd) { return AddressBy(getsockname, fd); }

int TakeSocketError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  LB_CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  return error;
}

void CloseWithReset(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  LB_CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
}

ConnectFailure ClassifyConnectError(int error) {
  switch (error) {
    case ECONNREFUSED:
    case EAGAIN:  // A unix socket whose backlog is full.
      return ConnectFailure::kRefused;
    case ECONNRESET:
      return ConnectFailure::kReset;
    case ETIMEDOUT:
      return ConnectFailure::kTimeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENOENT:  // No such unix socket.
      return ConnectFailure::kUnreachable;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC:  // epoll_ctl(2): too many watches.
      return ConnectFailure::kNoDescriptor;
    case EADDRNOTAVAIL:
      return ConnectFailure::kNoPort;
    default:
      return ConnectFailure::kOther;
  }
}

}  // namespace lb::dataplane
