// A file descriptor with one owner, closed exactly once. Threading: none.
#pragma once

#include <utility>

#include "base/system_calls.h"

namespace lb {

class UniqueFd final {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

  // Gives the descriptor away; the caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }

  // Closes what is held and takes `fd`.
  void Reset(int fd = -1) {
    // close(2): the descriptor is gone even when it reports EINTR, so there is nothing to retry.
    if (fd_ >= 0) raw::Close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace lb
