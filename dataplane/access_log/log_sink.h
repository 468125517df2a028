// Where lines go that must never make their writer wait: a file, a FIFO, standard output or
// standard error.
//
// Every descriptor is non-blocking and its own, since O_NONBLOCK on the one the process was started
// with would hold for everybody who shares it. Threading: one thread.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace lb::dataplane {

class LogSink final {
 public:
  // "stdout", "stderr" or an absolute path; a file that is not there is made, mode 0640.
  // Unavailable names the destination and what the system said.
  static absl::StatusOr<LogSink> Open(const std::string& destination);

  // Writes what is taken without waiting, and says how many bytes that was. Unavailable: nothing
  // was taken and the system said why, a full disk say.
  absl::StatusOr<size_t> Write(std::string_view lines);

  // True when the destination's name is that of another file by now, or of none.
  bool Moved() const;

 private:
  LogSink(std::string destination, UniqueFd fd, bool is_socket)
      : destination_(std::move(destination)), fd_(std::move(fd)), is_socket_(is_socket) {}

  std::string destination_;
  UniqueFd fd_;
  bool is_socket_ = false;
};

}  // namespace lb::dataplane
