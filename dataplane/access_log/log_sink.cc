#include "dataplane/access_log/log_sink.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/system_calls.h"

namespace lb::dataplane {
namespace {

constexpr mode_t kMode = 0640;  // Lines name clients: not for everybody.

absl::Status Failed(const std::string& destination, int error) {
  return absl::UnavailableError(absl::StrCat(destination, ": ", std::strerror(error)));
}

bool IsSocket(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

// The standard stream of that name; -1 when it is a path.
int StandardStream(const std::string& destination) {
  if (destination == "stdout") return STDOUT_FILENO;
  return destination == "stderr" ? STDERR_FILENO : -1;
}

}  // namespace

absl::StatusOr<LogSink> LogSink::Open(const std::string& destination) {
  const int stream = StandardStream(destination);
  // Under systemd the streams are sockets, which open(2) refuses (ENXIO).
  if (stream >= 0 && IsSocket(stream)) {
    UniqueFd fd(::fcntl(stream, F_DUPFD_CLOEXEC, 0));
    if (!fd.valid()) return Failed(destination, errno);
    return LogSink(destination, std::move(fd), true);
  }
  const std::string path = stream >= 0 ? absl::StrCat("/proc/self/fd/", stream) : destination;
  UniqueFd fd(::open(path.c_str(),
                     O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, kMode));
  if (!fd.valid()) return Failed(destination, errno);
  return LogSink(destination, std::move(fd), false);
}

absl::StatusOr<size_t> LogSink::Write(std::string_view lines) {
  size_t written = 0;
  while (written < lines.size()) {
    const std::string_view rest = lines.substr(written);
    const ssize_t taken =
        is_socket_ ? raw::Send(fd_.get(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                   : ::write(fd_.get(), rest.data(), rest.size());
    if (taken > 0) {
      written += static_cast<size_t>(taken);
      continue;
    }
    if (taken < 0 && errno == EINTR) continue;
    if (written > 0 || (taken < 0 && errno == EAGAIN)) break;
    return Failed(destination_, taken == 0 ? EIO : errno);
  }
  return written;
}

bool LogSink::Moved() const {
  if (StandardStream(destination_) >= 0) return false;
  struct stat named {};
  struct stat open {};
  if (::stat(destination_.c_str(), &named) != 0) return true;
  return ::fstat(fd_.get(), &open) != 0 || named.st_dev != open.st_dev ||
         named.st_ino != open.st_ino;
}

}  // namespace lb::dataplane
