#include "base/sd_notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace lb {
namespace {

constexpr uint64_t kMaxWatchdogUs = 24ull * 3600 * 1'000'000;  // A day: far above any sense.

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Bad(const char* name, const std::string& value, const char* wanted) {
  return absl::InvalidArgumentError(absl::StrCat(name, "='", value, "': want ", wanted));
}

absl::StatusOr<uint64_t> Number(const char* name, const std::string& value, uint64_t most) {
  uint64_t number = 0;
  const bool digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
  if (digits && absl::SimpleAtoi(value, &number) && number <= most) return number;
  return absl::InvalidArgumentError(
      absl::StrCat(name, "='", value, "': want a number from 0 to ", most));
}

// False when the variable names another process: a manager's child may pass its variables on.
absl::StatusOr<bool> IsFor(const char* name, const std::string& value, pid_t own_pid) {
  LB_ASSIGN_OR_RETURN(const uint64_t pid, Number(name, value, INT32_MAX));
  return pid == static_cast<uint64_t>(own_pid);
}

// "/path", or "@name" in the abstract namespace, unix(7).
absl::StatusOr<SocketAddress> ManagerAddress(const std::string& value) {
  constexpr char kName[] = "NOTIFY_SOCKET";
  sockaddr_un address{};
  if (value.size() < 2 || (value[0] != '/' && value[0] != '@'))
    return Bad(kName, value, "an absolute path, or '@' and a name");
  if (value.size() >= sizeof address.sun_path) return Bad(kName, value, "at most 107 bytes");
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, value.data(), value.size());
  if (value[0] == '@') address.sun_path[0] = '\0';
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof address);
  // An abstract name is as long as the address says; a path has its zero byte counted.
  const size_t length = offsetof(sockaddr_un, sun_path) + value.size() + (value[0] == '/' ? 1 : 0);
  result.length = static_cast<socklen_t>(length);
  return result;
}

absl::StatusOr<std::optional<Duration>> WatchdogTimeout(const std::optional<std::string>& timeout,
                                                        const std::optional<std::string>& pid,
                                                        pid_t own_pid) {
  if (!timeout) return std::nullopt;
  if (pid) {
    LB_ASSIGN_OR_RETURN(const bool ours, IsFor("WATCHDOG_PID", *pid, own_pid));
    if (!ours) return std::nullopt;
  }
  LB_ASSIGN_OR_RETURN(const uint64_t us, Number("WATCHDOG_USEC", *timeout, kMaxWatchdogUs));
  if (us == 0) return Bad("WATCHDOG_USEC", *timeout, "more than 0");
  return std::chrono::microseconds(us);
}

// sd_notify(3) on FDNAME=: printable ASCII without ':'.
absl::Status CheckName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= SdNotify::kMaxNameBytes &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return c >= ' ' && c <= '~' && c != ':'; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("name of descriptors '", View(name),
                                                 "': want 1 to ", SdNotify::kMaxNameBytes,
                                                 " printable characters without ':'"));
}

int64_t Microseconds(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

absl::StatusOr<std::vector<std::string>> Names(const std::optional<std::string>& value,
                                               size_t count) {
  if (!value) return std::vector<std::string>(count, "unknown");
  std::vector<std::string> names = absl::StrSplit(*value, ':');
  if (names.size() != count)
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDNAMES='", *value, "': want ", count, " names, as LISTEN_FDS says"));
  return names;
}

// fcntl(2): close-on-exec and non-blocking.
absl::Status SetUp(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("LISTEN_FDS: descriptor ", fd, ": ", std::strerror(errno)));
}

}  // namespace

std::optional<std::string> TakeFromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string copy = value;
  ::unsetenv(name);
  return copy;
}

absl::StatusOr<SdNotify> SdNotify::FromEnvironment(const TakeVariable& take, pid_t own_pid) {
  const std::optional<std::string> socket = take("NOTIFY_SOCKET");
  const std::optional<std::string> timeout = take("WATCHDOG_USEC");
  const std::optional<std::string> watchdog_pid = take("WATCHDOG_PID");
  SdNotify notify;
  if (!socket || socket->empty()) return notify;
  LB_ASSIGN_OR_RETURN(notify.manager_, ManagerAddress(*socket));
  LB_ASSIGN_OR_RETURN(notify.watchdog_timeout_, WatchdogTimeout(timeout, watchdog_pid, own_pid));
  notify.socket_.Reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!notify.socket_.valid())
    return absl::UnavailableError(absl::StrCat("socket for NOTIFY_SOCKET: ", std::strerror(errno)));
  return notify;
}

absl::Status SdNotify::Ready() const { return Send("READY=1"); }

absl::Status SdNotify::Status(std::string_view text) const {
  std::string line(text.substr(0, kMaxStatusBytes));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return Send(absl::StrCat("STATUS=", line));
}

// The steady clock is CLOCK_MONOTONIC, which MONOTONIC_USEC asks for.
absl::Status SdNotify::Reloading(Instant now) const {
  return Send(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", Microseconds(now.time_since_epoch())));
}

absl::Status SdNotify::Stopping() const { return Send("STOPPING=1"); }

absl::Status SdNotify::ExtendTimeout(Duration time) const {
  return Send(absl::StrCat("EXTEND_TIMEOUT_USEC=", Microseconds(time)));
}

absl::Status SdNotify::Watchdog() const { return Send("WATCHDOG=1"); }

absl::Status SdNotify::StoreDescriptors(std::string_view name, const std::vector<int>& fds) const {
  LB_RETURN_IF_ERROR(CheckName(name));
  const std::string message = absl::StrCat("FDSTORE=1\nFDNAME=", View(name));
  for (size_t done = 0; done < fds.size();) {
    const size_t count = std::min(fds.size() - done, kMaxDescriptorsPerMessage);
    LB_RETURN_IF_ERROR(Send(message, fds.data() + done, count));
    done += count;
  }
  return absl::OkStatus();
}

absl::Status SdNotify::RemoveDescriptors(std::string_view name) const {
  LB_RETURN_IF_ERROR(CheckName(name));
  return Send(absl::StrCat("FDSTOREREMOVE=1\nFDNAME=", View(name)));
}

absl::Status SdNotify::Send(std::string_view message, const int* fds, size_t count) const {
  if (!socket_.valid()) return absl::OkStatus();
  iovec part{const_cast<char*>(message.data()), message.size()};
  msghdr header{};
  header.msg_name = const_cast<sockaddr*>(manager_.get());
  header.msg_namelen = manager_.length;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptorsPerMessage)] = {};
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
    std::memcpy(CMSG_DATA(rights), fds, sizeof(int) * count);
  }
  if (::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("notify the service manager: ", std::strerror(errno)));
}

absl::StatusOr<std::vector<ListenDescriptor>> TakeListenDescriptors(const TakeVariable& take,
                                                                    pid_t own_pid, int first) {
  const std::optional<std::string> pid = take("LISTEN_PID");
  const std::optional<std::string> fds = take("LISTEN_FDS");
  const std::optional<std::string> fd_names = take("LISTEN_FDNAMES");
  std::vector<ListenDescriptor> taken;
  if (!pid || !fds) return taken;
  LB_ASSIGN_OR_RETURN(const bool ours, IsFor("LISTEN_PID", *pid, own_pid));
  if (!ours) return taken;
  LB_ASSIGN_OR_RETURN(const uint64_t count, Number("LISTEN_FDS", *fds, kMaxListenDescriptors));
  if (count == 0) return taken;
  LB_ASSIGN_OR_RETURN(std::vector<std::string> names, Names(fd_names, count));
  for (size_t i = 0; i < count; ++i) {
    const int fd = first + static_cast<int>(i);
    LB_RETURN_IF_ERROR(SetUp(fd));
    taken.push_back({std::move(names[i]), UniqueFd(fd)});
  }
  return taken;
}

}  // namespace lb
