// Binding and listening, for what the programs themselves serve (HTTP, API): loopback or any IP
// address, and unix sockets that a crashed process left behind.
//
// Not for the data plane's listeners, which have rules of their own. Threading: none; the umask is
// not touched.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/unique_fd.h"

namespace lb {

// Removes a unix socket's file when it goes, unless another process has taken the path meanwhile.
class SocketFile final {
 public:
  SocketFile() = default;
  SocketFile(std::string path, dev_t device, ino_t inode)
      : path_(std::move(path)), device_(device), inode_(inode) {}
  SocketFile(SocketFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile();

 private:
  void Remove();

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

struct Listening {
  UniqueFd fd;       // Non-blocking, close-on-exec.
  Endpoint address;  // With the port the kernel chose.
  SocketFile file;   // Of a unix socket; keep it as long as the descriptor.
};

// Binds and listens on a resolved address. A unix socket gets `mode` and replaces a stale socket at
// its path; one that a process still listens on is left alone. Errors: the address and errno's
// text.
absl::StatusOr<Listening> Listen(const Endpoint& address, mode_t mode);

// True for 127.0.0.0/8 and ::1.
bool IsLoopback(const Endpoint& address);

}  // namespace lb
