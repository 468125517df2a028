#include "controlplane/shell/unix_listener.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "controlplane/shell/file_io.h"

namespace lb::controlplane {
namespace {

constexpr mode_t kPrivateMode = 0600;
constexpr mode_t kGroupMode = 0660;

absl::StatusOr<UniqueFd> NewSocket(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot open a socket for", path);
  return fd;
}

// Removes what is at the address when it is a socket file that nobody listens on.
absl::Status RemoveStale(const UnixListenerOptions& options) {
  const std::string& path = options.address.host();
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return ErrnoStatus(errno, "cannot use", path);
  }
  if (!S_ISSOCK(info.st_mode))
    return absl::FailedPreconditionError(absl::StrCat(
        path, " exists and is not a socket; remove it or give another path by ", options.flag));
  LB_ASSIGN_OR_RETURN(const UniqueFd probe, NewSocket(path));
  const SocketAddress address = options.address.ToSocketAddress();
  if (::connect(probe.get(), address.get(), address.length) == 0 || errno == EAGAIN)
    return absl::FailedPreconditionError(absl::StrCat(
        path, " is in use by a running process; stop it or give another path by ", options.flag));
  if (errno != ECONNREFUSED) return ErrnoStatus(errno, "cannot probe", path);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, "cannot remove the stale socket", path);
  return absl::OkStatus();
}

void GiveTo(const UnixListenerOptions& options) {
  if (::geteuid() != 0) return;
  const std::string& path = options.address.host();
  const passwd* user = options.owner.empty() ? nullptr : ::getpwnam(options.owner.c_str());
  const group* members = options.group.empty() ? nullptr : ::getgrnam(options.group.c_str());
  if (user == nullptr && members == nullptr) return;
  const uid_t uid = user != nullptr ? user->pw_uid : static_cast<uid_t>(-1);
  const gid_t gid = members != nullptr ? members->gr_gid : static_cast<gid_t>(-1);
  // Without CAP_CHOWN (a container) the file stays ours, which shuts out more and lets in nobody.
  if (::lchown(path.c_str(), uid, gid) != 0)
    LogWarn("socket keeps its owner",
            {{"error", std::string(ErrnoStatus(errno, "cannot chown", path).message())}});
}

}  // namespace

absl::StatusOr<UniqueFd> ListenUnix(const UnixListenerOptions& options) {
  const std::string& path = options.address.host();
  LB_RETURN_IF_ERROR(RemoveStale(options));
  LB_ASSIGN_OR_RETURN(UniqueFd fd, NewSocket(path));
  if (::fchmod(fd.get(), kPrivateMode) != 0) return ErrnoStatus(errno, "cannot chmod", path);
  const SocketAddress address = options.address.ToSocketAddress();
  if (::bind(fd.get(), address.get(), address.length) != 0) {
    const absl::Status status = ErrnoStatus(errno, "cannot bind", path);
    return absl::Status(status.code(),
                        absl::StrCat(status.message(), "; its folder must exist and be writable (",
                                     options.flag, " gives another path)"));
  }
  GiveTo(options);
  if (::chmod(path.c_str(), kGroupMode) != 0) return ErrnoStatus(errno, "cannot chmod", path);
  if (::listen(fd.get(), kUnixBacklog) != 0) return ErrnoStatus(errno, "cannot listen on", path);
  return fd;
}

}  // namespace lb::controlplane
