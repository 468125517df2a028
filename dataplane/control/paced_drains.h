// Closes the connections of backends that are drained or removed, in the drain_timeout of their
// rule: none at first, then evenly, so that their clients do not all come back at once.
//
// All backends that are out by the same new tables and with the same time are one drain, and one
// walk over the connections: whichever of them it meets when their time has come are closed. A
// second walk at the end finds those that were only then connected. A backend that is taken back is
// left alone from then on. Threading: the control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/time.h"
#include "dataplane/control/traffic.h"
#include "dataplane/forward/connection_walk.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class PacedDrains final {
 public:
  // The part of the time in which none is closed: most clients end by themselves when they can.
  static constexpr int kQuietParts = 5;

  // `traffic` outlives it and has so many I/O threads.
  PacedDrains(Traffic& traffic, size_t threads) : traffic_(traffic), threads_(threads) {}

  // Takes in the tables in force (nullptr: none yet) and closes what is due. Call it every 100 ms
  // or so: what is due between two calls is closed at once.
  void Step(const std::shared_ptr<const Tables>& tables, Instant now);

  // Drains under way.
  size_t size() const { return drains_.size(); }

 private:
  struct Drain {
    uint64_t number = 0;
    Instant begins;  // Of the closing.
    Instant ends;
    std::vector<std::shared_ptr<BackendState>> backends{};
    std::shared_ptr<ConnectionWalk> walk{};
    bool last_walk = false;
    uint64_t planned = 0;  // Connections when the closing began.
    uint64_t allowed = 0;  // To be closed so far.
  };
  // By time, in milliseconds: those that begin now.
  using Begun = std::map<uint64_t, Drain>;

  void Compare(const Tables& tables, Instant now);
  void TakeIn(const RuleTable& rule, Instant now, Begun& begun);
  void TakeOut(const RuleTable& rule, const Tables& tables, Instant now, Begun& begun);
  void Begin(const std::shared_ptr<BackendState>& backend, uint64_t timeout_ms, Instant now,
             Begun& begun);
  // True when it is over.
  bool Close(Drain& drain, Instant now);
  void StartWalk(Drain& drain);

  Traffic& traffic_;
  const size_t threads_;
  std::shared_ptr<const Tables> tables_;
  uint64_t newest_ = 0;
  std::vector<Drain> drains_;
};

}  // namespace lb::dataplane
