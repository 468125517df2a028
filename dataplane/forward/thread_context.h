// What the connections of one I/O thread share. Threading: that thread only, except `open`.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/timer_wheel.h"

namespace lb::dataplane {

class Connection;

// The client connections of the whole worker, shared by all I/O threads: touched twice a
// connection.
struct OpenConnections {
  std::atomic<uint64_t> max{0};
  std::atomic<uint64_t> open{0};
};

struct ThreadContext {
  // Timeouts are counted in seconds; a finer tick would only cost wakeups.
  static constexpr Duration kTimerTick = std::chrono::milliseconds(50);

  ThreadContext(size_t thread_index, int epoll, OpenConnections& open_connections, Instant start)
      : thread(thread_index),
        epoll_fd(epoll),
        open(open_connections),
        now(start),
        timers(kTimerTick, start),
        scratch(new char[kScratchBytes]) {}

  const size_t thread;
  const int epoll_fd;
  OpenConnections& open;
  Instant now;  // When the current turn of the loop began.
  TimerWheel timers;
  const std::unique_ptr<char[]> scratch;

  // Every connection, newest first, linked through the connections.
  Connection* first = nullptr;
  // Connections that used up their rounds: edge-triggered events do not call them again.
  std::vector<Connection*> run_again;
  // Closed in this turn; destroyed at its end, because events of the turn may still name them.
  std::vector<Connection*> closed;
};

}  // namespace lb::dataplane
