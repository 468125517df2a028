// Words with the service manager that started this process: what it should know (ready, stopping,
// alive), and sockets that it keeps for us or opened for us.
//
// Source: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3) of systemd. Our own few lines, so
// that libsystemd and what it links stay out of a process at the network edge. No call blocks.
// Threading: none; what takes from the environment belongs before the first thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace lb {

// Gives the value of an environment variable and removes it, so that no child inherits it.
using TakeVariable = std::function<std::optional<std::string>(const char* name)>;

// A TakeVariable of the process's own environment.
std::optional<std::string> TakeFromEnvironment(const char* name);

class SdNotify final {
 public:
  static constexpr size_t kMaxDescriptorsPerMessage = 253;  // SCM_MAX_FD, unix(7).
  static constexpr size_t kMaxStatusBytes = 512;            // What is longer is cut.
  static constexpr size_t kMaxNameBytes = 255;              // Of FDNAME=, sd_notify(3).

  // Nobody is there to be told: every call succeeds and does nothing.
  SdNotify() = default;

  // Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Without NOTIFY_SOCKET it tells nobody.
  // InvalidArgument: a variable makes no sense; the message has its name and value.
  static absl::StatusOr<SdNotify> FromEnvironment(const TakeVariable& take, pid_t own_pid);

  // True when there is somebody to tell.
  bool present() const { return socket_.valid(); }

  // How long the manager waits from one Watchdog() to the next; nullopt: it does not wait for any.
  std::optional<Duration> watchdog_timeout() const { return watchdog_timeout_; }

  // All of these: Unavailable when the manager did not take the message now; try again later.

  // The service does its work.
  absl::Status Ready() const;
  // One line for people. Control characters become spaces.
  absl::Status Status(std::string_view text) const;
  // A reload begins; Ready() ends it.
  absl::Status Reloading(Instant now) const;
  // The service begins to stop.
  absl::Status Stopping() const;
  // Starting or stopping goes on for another `time`, counted from now, whatever the unit says.
  absl::Status ExtendTimeout(Duration time) const;
  // All is well until watchdog_timeout() from now.
  absl::Status Watchdog() const;

  // Hands copies of `fds` to the manager's store under one name, to get them back after a restart;
  // more of one name add up. In several messages where one does not hold them, so that a failure
  // may leave some stored. InvalidArgument: a name that sd_notify(3) does not allow.
  absl::Status StoreDescriptors(std::string_view name, const std::vector<int>& fds) const;
  // Takes all of this name out of the store.
  absl::Status RemoveDescriptors(std::string_view name) const;

 private:
  absl::Status Send(std::string_view message, const int* fds = nullptr, size_t count = 0) const;

  UniqueFd socket_;
  SocketAddress manager_;
  std::optional<Duration> watchdog_timeout_;
};

// A socket that the manager opened, or kept in its store.
struct ListenDescriptor {
  std::string name;  // FileDescriptorName= of the .socket unit or FDNAME=; "unknown" without one.
  UniqueFd fd;       // Non-blocking, close-on-exec.
};

// More than a store of 512 and a unit's own sockets hold.
inline constexpr size_t kMaxListenDescriptors = 1'024;
inline constexpr int kFirstListenDescriptor = 3;  // SD_LISTEN_FDS_START.

// Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and the descriptors they tell of. Empty when
// there are none or when they are meant for another process. InvalidArgument: a variable or a
// descriptor makes no sense, with name and value. What kind of descriptor it is, the caller checks.
absl::StatusOr<std::vector<ListenDescriptor>> TakeListenDescriptors(
    const TakeVariable& take, pid_t own_pid, int first = kFirstListenDescriptor);

}  // namespace lb
