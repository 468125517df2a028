// The control plane's whole logic: events in, actions out. It never blocks, reads no clock, opens
// no socket, and gives the same actions for the same events.
//
// The one place where the order of things is decided; the work is done by its parts (config,
// health, resolve, snapshot, stream, budget, admin). Threading: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "base/time.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/event.h"

namespace lb::controlplane {

class ControlLoop final {
 public:
  struct Options {
    std::string node_id;
    std::string incarnation;  // Fresh at each start.
    uint32_t pid = 0;
    WallTime start_time;         // For display.
    uint64_t seed = 0;           // Of the jitter of checks.
    std::string boot_id;         // Of the machine (/proc/sys/kernel/random/boot_id).
    std::string stored_state;    // The state file's bytes; empty when there is none.
    bool state_damaged = false;  // There was one, but it cannot be used.
    std::map<uint64_t, std::string> revisions{};  // Contents of configurations kept before.
    std::string page_key{};                       // Random: what page tokens are signed with.
    // Random: what TLS session tickets are sealed with; empty: each worker makes a key of its own.
    // All later keys follow from it: whoever fills it in moves it here and keeps no copy.
    std::string ticket_seed{};
    LogLevel log_level = LogLevel::kInfo;  // That the process was started with.
  };

  // Starts with what was stored; a state that does not parse is logged and ignored. Emits what is
  // to be done at once (watching workers that were known).
  ControlLoop(Options options, Instant now, std::vector<Action>& actions);
  ~ControlLoop();

  // Takes one event and appends what follows from it.
  void Handle(const Event& event, Instant now, std::vector<Action>& actions);

  // When TimerFired is next due; Instant::max() when there is nothing to wait for.
  Instant NextDeadline() const;

  // True once a configuration is in force.
  bool ready() const;

  // How it stands, one line for people: "rev 42, 2 workers".
  std::string Summary() const;

  // The metrics of the control plane's own state.
  std::vector<MetricFamily> Metrics(const ClockReading& clock) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
