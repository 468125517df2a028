#include "dataplane/forward/thread_context.h"

#include <fcntl.h>

#include <cerrno>

namespace lb::dataplane {

int ThreadContext::KeepSpare() {
  if (!spare_fd.valid()) spare_fd.Reset(fcntl(epoll_fd, F_DUPFD_CLOEXEC, 0));
  return spare_fd.valid() ? 0 : errno;
}

}  // namespace lb::dataplane
