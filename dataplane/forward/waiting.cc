#include "dataplane/forward/waiting.h"

#include <chrono>
#include <optional>
#include <utility>

#include "dataplane/forward/connection.h"
#include "dataplane/forward/io_thread.h"

namespace lb::dataplane {

std::unique_ptr<Waiting> Waiting::Enter(Connection* owner, const RuleTable& rule,
                                        std::shared_ptr<Inbox> inbox, RuleCounters& counters,
                                        Instant now) {
  const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(rule.queue_timeout_ms));
  std::unique_ptr<Waiting> waiting(
      new Waiting(owner, rule.state->queue, std::move(inbox), counters, now + timeout));
  const std::optional<WaitQueue::Place> place =
      waiting->queue_.Enter(rule.queue_max, waiting->MakeCall());
  if (!place.has_value()) return nullptr;
  waiting->place_ = *place;
  waiting->entered_ = true;
  counters.queued_total.Add(1);
  counters.queued.Add(1);
  return waiting;
}

Waiting::Waiting(Connection* owner, WaitQueue& queue, std::shared_ptr<Inbox> inbox,
                 RuleCounters& counters, Instant deadline)
    : queue_(queue),
      counters_(counters),
      inbox_(std::move(inbox)),
      self_(std::make_shared<Connection*>(owner)),
      deadline_(deadline) {}

Waiting::~Waiting() {
  *self_ = nullptr;
  if (!entered_) return;
  counters_.queued.Subtract(1);
  const bool called = queue_.Leave(place_);
  if (called && !served_) queue_.CallNext();
}

WaitQueue::Call Waiting::MakeCall() const {
  return [inbox = inbox_, self = self_] {
    inbox->Post([self](ThreadParts parts) {
      if (*self != nullptr) (*self)->OnCalled(parts.listeners);
    });
  };
}

}  // namespace lb::dataplane
