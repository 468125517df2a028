// One member of a cluster: events in, actions out. Never blocks, reads no clock, opens no socket;
// the same events and seed give the same actions. Threading: one thread.
//
// Speaks memberlist's protocol version 2: see messages.h, rumors.h, prober.h, exchanger.h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "controlplane/membership/event.h"
#include "controlplane/membership/options.h"
#include "controlplane/membership/shared.h"

namespace lb::controlplane::swim {

class Swim final {
 public:
  // `options` has a name and an address.
  Swim(Options options, uint64_t seed, Instant now);
  ~Swim();

  // Takes one event and appends what follows from it.
  void Handle(const Event& event, Instant now, std::vector<Action>& actions);

  // When TimerFired is next due.
  Instant NextDeadline() const;

  // Knows one that is gone no more; false: there is none of this name that is.
  bool Forget(const std::string& name);

  const std::string& name() const;
  bool serf() const;

  // Members that are known, this one among them, by name.
  const std::map<std::string, Member>& members() const;
  // Those that are not among them any more, or soon.
  const std::map<std::string, Departed>& departed() const;
  const Counters& counters() const;
  // 0: as healthy as can be.
  int awareness() const;
  size_t queued() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane::swim
