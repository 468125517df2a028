#include "dataplane/forward/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/socket_options.h"

namespace lb::dataplane {

int Listener::Resume(int epoll_fd) { return Control(epoll_fd, EPOLLIN); }

void Listener::Pause(int epoll_fd) {
  // epoll_ctl(2): changing an entry needs no memory.
  if (watched_) LB_CHECK(Control(epoll_fd, 0) == 0);
}

int Listener::Control(int epoll_fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = static_cast<EventSource*>(this);
  const int operation = watched_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(epoll_fd, operation, fd_.get(), &event) != 0) return errno;
  watched_ = true;
  return 0;
}

Listener::Accepted Listener::AcceptBatch(ThreadContext& context, AcceptErrors& errors) {
  for (int i = 0; i < kMaxBatch; ++i) {
    UniqueFd client(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.valid()) {
      Admit(context, std::move(client));
      continue;
    }
    if (errno == EAGAIN) return Accepted::kAll;
    const int error = errno;
    errors.Add(error);
    if (AcceptErrors::MustPause(error)) return Accepted::kPause;
  }
  return Accepted::kSome;
}

void Listener::AcceptWaiting(ThreadContext& context, AcceptErrors& errors) {
  // As many as the queue holds, and no more: clients may come faster than they are accepted.
  for (int batch = 0; batch <= kListenBacklog / kMaxBatch; ++batch) {
    if (AcceptBatch(context, errors) != Accepted::kSome) return;
  }
}

void Listener::Admit(ThreadContext& context, UniqueFd client) {
  if (context.open.open.fetch_add(1, std::memory_order_relaxed) >=
      context.open.max.load(std::memory_order_relaxed)) {
    context.open.open.fetch_sub(1, std::memory_order_relaxed);
    rule_->counters().refused[static_cast<size_t>(RefuseReason::kWorkerLimit)].Add(1);
    CloseWithReset(client.get());
    return;
  }
  Connection::Start(context, rule_, std::move(client));
}

}  // namespace lb::dataplane
