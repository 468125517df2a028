#include "base/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace lb {
namespace {

constexpr int kBacklog = 128;  // The callers serve a few clients each, bounded by themselves.

absl::Status Failed(const Endpoint& address, const char* call, int error) {
  const std::string text =
      absl::StrCat("listen on ", address.ToString(), ": ", call, ": ", std::strerror(error));
  if (error == EADDRINUSE) return absl::AlreadyExistsError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  if (error == ENOENT || error == ENOTDIR) return absl::NotFoundError(text);
  return absl::UnavailableError(text);
}

// Makes room at a unix path: nothing there is fine, a socket nobody listens on is removed.
absl::Status ClearPath(const Endpoint& address) {
  struct stat found {};
  if (::lstat(address.host().c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed(address, "stat", errno);
  }
  if (!S_ISSOCK(found.st_mode)) {
    return absl::AlreadyExistsError(
        absl::StrCat("listen on ", address.ToString(), ": the path exists and is not a socket"));
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return Failed(address, "socket", errno);
  const SocketAddress to = address.ToSocketAddress();
  // ECONNREFUSED is what unix(7) gives for a socket file without a listener. A full backlog
  // (EAGAIN) is a listener too.
  if (::connect(probe.get(), to.get(), to.length) != 0 && errno == ECONNREFUSED) {
    if (::unlink(address.host().c_str()) != 0 && errno != ENOENT) {
      return Failed(address, "unlink", errno);
    }
    return absl::OkStatus();
  }
  return absl::AlreadyExistsError(
      absl::StrCat("listen on ", address.ToString(), ": another process listens there"));
}

absl::StatusOr<SocketFile> SetMode(const Endpoint& address, mode_t mode) {
  if (::chmod(address.host().c_str(), mode) != 0) return Failed(address, "chmod", errno);
  struct stat made {};
  if (::lstat(address.host().c_str(), &made) != 0) return Failed(address, "stat", errno);
  return SocketFile(address.host(), made.st_dev, made.st_ino);
}

}  // namespace

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  Remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

SocketFile::~SocketFile() { Remove(); }

void SocketFile::Remove() {
  if (path_.empty()) return;
  struct stat found {};
  const bool ours =
      ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
  // A file that cannot be removed is harmless: the next start finds it stale.
  if (ours) static_cast<void>(::unlink(path_.c_str()));
}

absl::StatusOr<Listening> Listen(const Endpoint& address, mode_t mode) {
  LB_CHECK(address.IsResolved());
  const bool is_unix = address.kind() == Endpoint::Kind::kUnix;
  if (is_unix) LB_RETURN_IF_ERROR(ClearPath(address));
  const SocketAddress at = address.ToSocketAddress();
  Listening made;
  made.fd.Reset(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd.valid()) return Failed(address, "socket", errno);
  if (is_unix) {
    // bind(2) makes the file with the socket's own mode less the umask, so that it is at no moment
    // open to more than `mode` says; SetMode gives back what the umask took.
    if (::fchmod(made.fd.get(), mode) != 0) return Failed(address, "fchmod", errno);
  } else {
    const int on = 1;
    if (::setsockopt(made.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
      return Failed(address, "SO_REUSEADDR", errno);
    }
  }
  if (::bind(made.fd.get(), at.get(), at.length) != 0) return Failed(address, "bind", errno);
  if (is_unix) {
    LB_ASSIGN_OR_RETURN(made.file, SetMode(address, mode));
  }
  if (::listen(made.fd.get(), kBacklog) != 0) return Failed(address, "listen", errno);
  SocketAddress bound;
  bound.length = sizeof bound.storage;
  if (::getsockname(made.fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.length) !=
      0) {
    return Failed(address, "getsockname", errno);
  }
  LB_ASSIGN_OR_RETURN(made.address, Endpoint::FromSocketAddress(bound));
  return made;
}

bool IsLoopback(const Endpoint& address) {
  if (address.kind() != Endpoint::Kind::kIp) return false;
  in_addr v4{};
  if (::inet_pton(AF_INET, address.host().c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24) == 127;
  }
  return address.host() == "::1";
}

}  // namespace lb
