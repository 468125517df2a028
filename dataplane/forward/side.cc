#include "dataplane/forward/side.h"

#include <cerrno>

#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {

void Side::NextSend() {
  if (nagle == Nagle::kSent) DisableNagle(fd.get());
  nagle = nagle == Nagle::kFresh ? Nagle::kSent : Nagle::kOff;
}

int Side::Watch(int epoll_fd) {
  epoll_event event{};
  event.events = kEvents;
  event.data.ptr = static_cast<EventSource*>(this);
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd.get(), &event) == 0 ? 0 : errno;
}

}  // namespace lb::dataplane
