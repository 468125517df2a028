// What outlives a snapshot of a rule's SNI routes: the clients that wait for a backend of a route,
// and the connections it took.
//
// Each route has a line of its own: whoever waits for its backends holds up nobody else.
// Threading: as each class says.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "dataplane/limit/wait_queue.h"
#include "dataplane/snapshot/counter.h"

namespace lb::dataplane {

// Those who wait for a slot of the same backends. Thread-safe.
struct Line {
  // On a cache line of its own: read when a connection ends, hardly ever written.
  alignas(64) WaitQueue queue;
  // Times that a backend called unhealthy was called usable again: those who wait, and were refused
  // by it before, try it once more.
  std::atomic<uint64_t> recoveries{0};
};

// Counters of one route on one I/O thread.
struct alignas(64) RouteCounters {
  Counter connections_total;  // Of clients that it took.
  Counter connections;        // To its backends, open now.
};

// One route, over all snapshots that have a route of this first name. Counters: see live_state.h.
struct RouteState : Line {
  RouteState(std::string route_name, size_t threads)
      : name(std::move(route_name)), counters(threads) {}

  // Connections to its backends that are open, over all threads.
  uint64_t connections() const;

  const std::string name;  // The first of its names; empty: of clients that no route takes.
  std::vector<RouteCounters> counters;  // By I/O thread; the vector itself never changes.
};

// The routes of one rule that any table or connection uses. Thread-safe.
class RouteStates final {
 public:
  explicit RouteStates(size_t threads) : threads_(threads) {}

  // The state of the route of that first name; made when nobody uses one.
  std::shared_ptr<RouteState> FindOrMake(const std::string& name);
  // Sorted by name. Forgets those that nobody uses.
  std::vector<std::shared_ptr<RouteState>> all() const;

 private:
  const size_t threads_;
  mutable Mutex mutex_;
  mutable std::map<std::string, std::weak_ptr<RouteState>> routes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane
