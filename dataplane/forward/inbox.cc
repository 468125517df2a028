#include "dataplane/forward/inbox.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace lb::dataplane {

int Inbox::Watch(int epoll_fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = static_cast<EventSource*>(this);
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd_.get(), &event) == 0 ? 0 : errno;
}

void Inbox::Post(Work work) {
  const MutexLock lock(mutex_);
  work_.push_back(std::move(work));
  // One ring is enough for all that wait. eventfd(2): it only fails when the counter is full.
  if (work_.size() == 1) LB_CHECK(eventfd_write(event_fd_.get(), 1) == 0);
}

std::vector<Inbox::Work> Inbox::Take() {
  const MutexLock lock(mutex_);
  if (work_.empty()) return {};
  eventfd_t rings = 0;
  LB_CHECK(eventfd_read(event_fd_.get(), &rings) == 0);
  return std::exchange(work_, {});
}

}  // namespace lb::dataplane
