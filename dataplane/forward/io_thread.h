// One I/O thread: its event loop, listening sockets, connections and place in every round robin.
//
// The loop is a Boost.Asio io_context for what comes by posting and for the timer; the sockets are
// in an edge-triggered epoll set of its own, which Asio watches as one descriptor. So a connection
// costs no Asio object and one epoll_ctl a socket; a batch of events costs two calls more.
// Threading: made, started, posted to and stopped by the control thread; what the posted work is
// given belongs to the thread itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "dataplane/forward/accept_errors.h"
#include "dataplane/forward/listener_set.h"
#include "dataplane/forward/thread_context.h"

namespace lb::dataplane {

class IoThread final {
 public:
  struct Options {
    size_t index = 0;
    uint64_t seed = 0;
    OpenConnections* open = nullptr;  // Outlives the thread.
  };

  // What posted work may touch.
  struct Parts {
    ThreadContext& context;
    ListenerSet& listeners;
  };
  using Work = std::function<void(Parts)>;

  // Makes the loop and starts the thread. Errors: Internal, what the system refused.
  static absl::StatusOr<std::unique_ptr<IoThread>> Start(Options options);
  // Resets every connection, closes everything and joins.
  ~IoThread();

  // Runs `work` on the thread, soon.
  void Post(Work work);

  // Any thread.
  const AcceptErrors& accept_errors() const;

 private:
  class Loop;
  explicit IoThread(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace lb::dataplane
