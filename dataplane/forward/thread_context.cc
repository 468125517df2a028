#include "dataplane/forward/thread_context.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/check.h"

namespace lb::dataplane {
namespace {

// Two for each connection of a batch on each of a few threads.
constexpr rlim_t kFewDescriptors = 256;

}  // namespace

int ThreadContext::LastDescriptors() {
  rlimit limit{};
  LB_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlim_t first = limit.rlim_cur - std::min(limit.rlim_cur, kFewDescriptors);
  return static_cast<int>(std::min<rlim_t>(first, std::numeric_limits<int>::max()));
}

int ThreadContext::KeepSpare() {
  if (!spare_fd.valid()) spare_fd.Reset(fcntl(epoll_fd, F_DUPFD_CLOEXEC, 0));
  return spare_fd.valid() ? 0 : errno;
}

}  // namespace lb::dataplane
