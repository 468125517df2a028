// System calls of the hot path without glibc's wrappers around them.
//
// Where the wrapper is a cancellation point (pthreads(7)) it marks the thread before and after the
// call, once the process has more than one thread: two atomic operations, 2 % of what it costs to
// relay small messages. No thread here is ever cancelled. Arguments, results and errno are those of
// the manual pages. The thread sanitizer follows descriptors through the wrappers, so it gets them.
// Threading: none.
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace lb::raw {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kWrapped = true;
#else
inline constexpr bool kWrapped = false;
#endif

inline ssize_t Recv(int fd, void* buffer, size_t bytes, int flags) {
  if constexpr (kWrapped) return ::recv(fd, buffer, bytes, flags);
  return ::syscall(SYS_recvfrom, fd, buffer, bytes, flags, nullptr, nullptr);
}

inline ssize_t Send(int fd, const void* buffer, size_t bytes, int flags) {
  if constexpr (kWrapped) return ::send(fd, buffer, bytes, flags);
  return ::syscall(SYS_sendto, fd, buffer, bytes, flags, nullptr, 0);
}

// From one end to the other at the current position of both.
inline ssize_t Splice(int from, int to, size_t bytes, unsigned flags) {
  if constexpr (kWrapped) return ::splice(from, nullptr, to, nullptr, bytes, flags);
  return ::syscall(SYS_splice, from, nullptr, to, nullptr, bytes, flags);
}

inline int Accept(int fd, int flags) {
  if constexpr (kWrapped) return ::accept4(fd, nullptr, nullptr, flags);
  return static_cast<int>(::syscall(SYS_accept4, fd, nullptr, nullptr, flags));
}

inline int Connect(int fd, const sockaddr* address, socklen_t length) {
  if constexpr (kWrapped) return ::connect(fd, address, length);
  return static_cast<int>(::syscall(SYS_connect, fd, address, length));
}

inline int EpollWait(int fd, epoll_event* events, int max_events, int timeout_ms) {
  if constexpr (kWrapped) return ::epoll_wait(fd, events, max_events, timeout_ms);
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, fd, events, max_events, timeout_ms, nullptr, 0));
}

inline int Close(int fd) {
  if constexpr (kWrapped) return ::close(fd);
  return static_cast<int>(::syscall(SYS_close, fd));
}

}  // namespace lb::raw
