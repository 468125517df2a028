// Work that other threads give to one I/O thread, told by an eventfd of the thread's epoll set.
//
// Threading: Post on any thread; everything else on the I/O thread that owns it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "dataplane/forward/side.h"

namespace lb::dataplane {

struct ThreadParts;  // io_thread.h

class Inbox final : public EventSource {
 public:
  using Work = std::function<void(ThreadParts)>;

  // Takes an eventfd(2).
  explicit Inbox(UniqueFd event_fd)
      : EventSource(EventSource::Kind::kInbox), event_fd_(std::move(event_fd)) {}

  // Puts the eventfd into the set. Returns 0 or an errno.
  int Watch(int epoll_fd);

  // Any thread: runs `work` on the owner, soon, in the order of the posts.
  void Post(Work work);

  // Takes what was posted so far.
  std::vector<Work> Take();

 private:
  const UniqueFd event_fd_;
  Mutex mutex_;
  std::vector<Work> work_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane
