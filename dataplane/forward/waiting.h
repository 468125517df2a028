// A connection that waits in its rule's queue: its place in line, and the way a call finds it. Kept
// until it is connected: when that fails it goes back to the place it had, with the time left.
//
// A call comes from whichever thread frees a slot; it is posted to the connection's own thread and
// does nothing there when the connection has left meanwhile.
// Threading: the connection's I/O thread only.
#pragma once

#include <memory>
#include <optional>

#include "base/time.h"
#include "dataplane/forward/inbox.h"
#include "dataplane/limit/wait_queue.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class Connection;

class Waiting final {
 public:
  // Enters the rule's queue for `owner`, whose thread has this inbox and these counters; nullptr
  // when the queue is full.
  static std::unique_ptr<Waiting> Enter(Connection* owner, const RuleTable& rule,
                                        std::shared_ptr<Inbox> inbox, RuleCounters& counters,
                                        Instant now);
  // Leaves the queue. A call that was not of use goes to the next in line.
  ~Waiting();

  // Goes back in line after a call that found no slot.
  void Return() { line_->queue.Return(place(), MakeCall()); }
  // Has itself called, soon: it found that it learned of something too late to be called for it.
  void CallSelf() { line_->queue.CallAt(place()); }
  // Out of the line, with a slot.
  void Served();
  // Its clients wait elsewhere now: leaves the line, and enters that one when it has to wait again.
  void MoveTo(Line& line);
  // In line, at its end or where it was before a slot was of no use; false when the queue is full.
  bool EnterAgain(const RuleTable& rule);

  bool in_line() const { return in_line_; }
  // When it has waited long enough.
  Instant deadline() const { return deadline_; }
  // True when a backend of the rule has recovered since it entered or asked last.
  bool TakeRecovered();
  // Of one that is in line.
  WaitQueue::Place place() const { return place_.value(); }

 private:
  Waiting(Connection* owner, Line& line, std::shared_ptr<Inbox> inbox, RuleCounters& counters,
          Instant deadline);
  WaitQueue::Call MakeCall() const;
  bool Leave();

  Line* line_;
  RuleCounters& counters_;
  const std::shared_ptr<Inbox> inbox_;
  const std::shared_ptr<Connection*> self_;  // What it points to is nullptr once it has left.
  const Instant deadline_;
  std::optional<WaitQueue::Place> place_;  // Once it has one in this line.
  uint64_t recoveries_;
  bool in_line_ = false;
};

}  // namespace lb::dataplane
