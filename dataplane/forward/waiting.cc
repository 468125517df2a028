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
      new Waiting(owner, *rule.state, std::move(inbox), counters, now + timeout));
  const std::optional<WaitQueue::Place> place =
      waiting->queue_.Enter(rule.queue_max, waiting->MakeCall());
  if (!place.has_value()) return nullptr;
  waiting->place_ = *place;
  waiting->in_line_ = true;
  counters.queued_total.Add(1);
  counters.queued.Add(1);
  return waiting;
}

Waiting::Waiting(Connection* owner, RuleState& rule, std::shared_ptr<Inbox> inbox,
                 RuleCounters& counters, Instant deadline)
    : rule_(rule),
      queue_(rule.queue),
      counters_(counters),
      inbox_(std::move(inbox)),
      self_(std::make_shared<Connection*>(owner)),
      deadline_(deadline),
      recoveries_(rule.recoveries.load()) {}

Waiting::~Waiting() {
  *self_ = nullptr;
  if (in_line_ && Leave()) queue_.CallNext();
}

// True when it had been called.
bool Waiting::Leave() {
  in_line_ = false;
  counters_.queued.Subtract(1);
  return queue_.Leave(place_);
}

void Waiting::Served() { Leave(); }

bool Waiting::EnterAgain(const RuleTable& rule) {
  if (!queue_.EnterAgain(place_, rule.queue_max, MakeCall())) return false;
  in_line_ = true;
  counters_.queued.Add(1);
  return true;
}

bool Waiting::TakeRecovered() {
  const uint64_t now = rule_.recoveries.load();
  return std::exchange(recoveries_, now) != now;
}

WaitQueue::Call Waiting::MakeCall() const {
  return [inbox = inbox_, self = self_] {
    inbox->Post([self](ThreadParts parts) {
      if (*self != nullptr) (*self)->OnCalled(parts.listeners);
    });
  };
}

}  // namespace lb::dataplane
