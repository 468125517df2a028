#include "cli/reach.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "cli/exit_code.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr char kStartHint[] =
    "Is lb-controlplane running? Does its --admin-api say this socket?\n"
    "Name another one with --endpoint unix:/PATH or LBCTL_ENDPOINT.";

// Says which group may enter; the folder's when the socket itself cannot be seen. Nobody is told to
// join root's group: that gives far more than this socket.
std::string PermissionHint(const std::string& path) {
  struct stat info {};
  std::string subject = path;
  mode_t needed = S_IWGRP;
  if (::stat(path.c_str(), &info) != 0) {
    subject = path.substr(0, path.rfind('/'));
    needed = S_IXGRP;
    if (::stat(subject.c_str(), &info) != 0) return "A folder on the way to it is closed to you.";
  }
  if (info.st_gid == 0 || (info.st_mode & needed) == 0)
    return absl::StrCat(
        Escape(subject),
        " is open to its owner only: use sudo. Where a group 'lb-admin' exists when "
        "lb-controlplane starts,\nthe socket is open to that group.");
  const group* entry = ::getgrgid(info.st_gid);
  const std::string name = entry != nullptr ? entry->gr_name : absl::StrCat(info.st_gid);
  return absl::StrCat(Escape(subject), " is open to the group '", name,
                      "'. Join it (sudo usermod -aG ", name,
                      " $USER, then log in again), or use sudo.");
}

absl::Status Unreachable(const std::string& path, const std::string& cause,
                         const std::string& hint) {
  absl::Status status = absl::UnavailableError(
      absl::StrCat("cannot reach the control plane at unix:", path, ": ", cause));
  SetReason(status, "UNREACHABLE");
  SetHint(status, hint);
  return status;
}

absl::Status ExplainErrno(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      return Unreachable(path, "no such file", kStartHint);
    case ECONNREFUSED:
      return Unreachable(path, "connection refused, nobody listens on the socket", kStartHint);
    case EACCES:
    case EPERM:
      return Unreachable(path, "permission denied", PermissionHint(path));
    case EAGAIN:
      return Unreachable(path, "its queue of new connections is full",
                         "The control plane hangs or is overloaded: see its log.");
    default:
      return Unreachable(path, std::strerror(error), kStartHint);
  }
}

}  // namespace

bool IsTcpEndpoint(std::string_view endpoint) {
  return endpoint.substr(0, 5) != "unix:" && !endpoint.empty() && endpoint[0] != '/';
}

absl::StatusOr<std::string> ParseUnixEndpoint(std::string_view endpoint) {
  constexpr std::string_view kScheme = "unix:";
  if (endpoint.substr(0, kScheme.size()) != kScheme) {
    if (!endpoint.empty() && endpoint[0] == '/')
      return UsageError(absl::StrCat("--endpoint: '", Escape(endpoint), "' has no scheme"),
                        absl::StrCat("write unix:", std::string(endpoint)));
    return UsageError(absl::StrCat("--endpoint: '", Escape(endpoint), "' is no unix socket"));
  }
  std::string_view path = endpoint.substr(kScheme.size());
  if (path.substr(0, 3) == "///") path.remove_prefix(2);
  if (path.empty() || path[0] != '/' || path.substr(0, 2) == "//")
    return UsageError(
        absl::StrCat("--endpoint: '", Escape(endpoint), "' needs an absolute path: unix:/PATH"));
  if (path.size() >= sizeof(sockaddr_un::sun_path) || path.find('\0') != std::string_view::npos)
    return UsageError(absl::StrCat("--endpoint: the path of a unix socket has at most ",
                                   sizeof(sockaddr_un::sun_path) - 1, " bytes, this one ",
                                   path.size()));
  return std::string(path);
}

absl::Status CheckReachable(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return ExplainErrno(path, errno);
  const int result =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return result == 0 ? absl::OkStatus() : ExplainErrno(path, errno);
}

}  // namespace lb::cli
