// One I/O thread: its event loop, listening sockets, connections and place in every round robin.
//
// The loop waits in one epoll set for sockets and for posted work, and in a timer wheel for
// timeouts. A socket costs one epoll_ctl in its life; a turn of the loop costs one epoll_wait.
// Threading: made, started, posted to and stopped by the control thread; what the posted work is
// given belongs to the thread itself.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "dataplane/forward/accept_errors.h"
#include "dataplane/forward/inbox.h"
#include "dataplane/forward/listener_set.h"
#include "dataplane/forward/thread_context.h"
#include "dataplane/forward/thread_group.h"

namespace lb::dataplane {

// What posted work may touch.
struct ThreadParts {
  ThreadContext& context;
  ListenerSet& listeners;
};

class IoThread final {
 public:
  struct Options {
    size_t index = 0;
    uint64_t seed = 0;
    std::shared_ptr<ThreadGroup> group;  // Of `index` and its siblings.
    RecordRing* access_ring = nullptr;   // Of `index`; outlives the thread.
    size_t max_pipes = 0;                // For bulk transfers, two descriptors each.
  };
  using Work = Inbox::Work;

  // Makes the loop and starts the thread. Errors: Internal, what the system refused.
  static absl::StatusOr<std::unique_ptr<IoThread>> Start(Options options);
  // Resets every connection, closes everything and joins.
  ~IoThread();

  // Any thread: runs `work` on the thread, soon.
  void Post(Work work);

  // Any thread.
  const AcceptErrors& accept_errors() const;

 private:
  class Loop;
  explicit IoThread(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace lb::dataplane
