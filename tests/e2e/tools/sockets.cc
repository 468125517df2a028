#include "tests/e2e/tools/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::testpeer {
namespace {

UniqueFd MakeSocket(int family) {
  UniqueFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd.valid() && family != AF_UNIX) {
    LB_CHECK(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
  }
  return fd;
}

}  // namespace

absl::StatusOr<UniqueFd> Listen(const Endpoint& address) {
  const SocketAddress socket_address = address.ToSocketAddress();
  UniqueFd fd = MakeSocket(socket_address.family());
  const int on = 1;
  const bool listening = fd.valid() &&
                         setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                         bind(fd.get(), socket_address.get(), socket_address.length) == 0 &&
                         listen(fd.get(), SOMAXCONN) == 0;
  if (!listening) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address.ToString(), ": ", ErrnoName(errno)));
  }
  return fd;
}

UniqueFd StartConnect(const SocketAddress& address, const SocketAddress* source) {
  UniqueFd fd = MakeSocket(address.family());
  if (!fd.valid()) return fd;
  if (source != nullptr) {
    // Or bind(2) would take a port that no other connection of this address may use.
    const int late = 1;
    LB_CHECK(setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof(late)) == 0);
    LB_CHECK(bind(fd.get(), source->get(), source->length) == 0);
  }
  if (connect(fd.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    fd.Reset();
    errno = error;
  }
  return fd;
}

int TakeError(int fd) {
  int error = 0;
  socklen_t length = sizeof(error);
  LB_CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  return error;
}

void CloseWithReset(UniqueFd& fd) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  LB_CHECK(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
  fd.Reset();
}

std::string ErrnoName(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

}  // namespace lb::testpeer
