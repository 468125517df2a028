// What the connections of one I/O thread share. Threading: that thread only, except `group`.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "base/unique_fd.h"
#include "dataplane/access_log/record_ring.h"
#include "dataplane/forward/handshakes.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/thread_group.h"
#include "dataplane/forward/timer_wheel.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class Connection;
class ConnectionWalk;
class ListenerSet;

struct ThreadContext {
  // Timeouts are counted in seconds; a finer tick would only cost wakeups.
  static constexpr Duration kTimerTick = std::chrono::milliseconds(50);

  // What a bandwidth limit gives is moved this often at least.
  static constexpr Duration kPaceTick = std::chrono::milliseconds(1);

  ThreadContext(size_t thread_index, int epoll, ThreadGroup& thread_group, RecordRing& ring,
                size_t max_pipes, Instant start)
      : thread(thread_index),
        epoll_fd(epoll),
        last_descriptors(LastDescriptors()),
        group(thread_group),
        access_ring(ring),
        now(start),
        timers(kTimerTick, start),
        pace_timers(kPaceTick, start),
        tools(max_pipes),
        handshakes(thread_group.size()),
        hellos(thread_group.size()) {}

  // The first of the last few descriptors below RLIMIT_NOFILE as it is now.
  static int LastDescriptors();

  const size_t thread;
  const int epoll_fd;
  const int last_descriptors;  // The first number of the last few below RLIMIT_NOFILE.
  ThreadGroup& group;
  RecordRing& access_ring;  // For connections that ended, while Logs().
  Instant now;              // When the current turn of the loop began.
  TimerWheel timers;
  TimerWheel pace_timers;  // Of connections that wait for a bandwidth limit: their throttles.
  RelayTools tools;
  Handshakes handshakes;
  Handshakes hellos;  // Clients that routes look at, until their ClientHello has come.

  // The rules in force, which say so themselves.
  const ListenerSet* rules = nullptr;
  // Another number after a change of what limits a rule's bandwidth.
  uint32_t bandwidth_generation = 0;

  // Held back for the second descriptor of a connection, when the first was the last one there was:
  // whoever is accepted can be connected. Given up by DialBackend, taken again before accepting.
  UniqueFd spare_fd;

  // True while the end of a connection of this rule is to be logged.
  bool Logs(const RuleTable& rule) const { return access_ring.on() && !rule.access_log_off; }

  // Takes a spare descriptor unless there is one. Returns 0 or an errno.
  int KeepSpare();

  // True when hardly any descriptor is left, as the newest one tells: the lowest number that is
  // free is given out first (POSIX, "File Descriptor Allocation").
  bool FewDescriptorsLeft(int newest) const { return newest >= last_descriptors; }

  // Every connection, newest first, linked through the connections.
  Connection* first = nullptr;
  // Walks over the connections that have not met the last one yet; mostly none.
  std::vector<std::shared_ptr<ConnectionWalk>> walks;
  // Connections that used up their rounds: edge-triggered events do not call them again.
  std::vector<Connection*> run_again;
  // Closed in this turn; destroyed at its end, because events of the turn may still name them.
  std::vector<Connection*> closed;
};

}  // namespace lb::dataplane
