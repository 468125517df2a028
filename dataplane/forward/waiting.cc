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
      new Waiting(owner, rule.line(), std::move(inbox), counters, now + timeout));
  if (!waiting->EnterAgain(rule)) return nullptr;
  counters.queued_total.Add(1);
  return waiting;
}

Waiting::Waiting(Connection* owner, Line& line, std::shared_ptr<Inbox> inbox,
                 RuleCounters& counters, Instant deadline)
    : line_(&line),
      counters_(counters),
      inbox_(std::move(inbox)),
      self_(std::make_shared<Connection*>(owner)),
      deadline_(deadline),
      recoveries_(line.recoveries.load()) {}

Waiting::~Waiting() {
  *self_ = nullptr;
  if (in_line_ && Leave()) line_->queue.CallNext();
}

// True when it had been called.
bool Waiting::Leave() {
  in_line_ = false;
  counters_.queued.Subtract(1);
  return line_->queue.Leave(place());
}

void Waiting::Served() { Leave(); }

void Waiting::MoveTo(Line& line) {
  if (line_ == &line) return;
  if (in_line_ && Leave()) line_->queue.CallNext();
  line_ = &line;
  place_.reset();
  recoveries_ = line.recoveries.load();
}

bool Waiting::EnterAgain(const RuleTable& rule) {
  WaitQueue& queue = line_->queue;
  if (place_.has_value()) {
    if (!queue.EnterAgain(*place_, rule.queue_max, MakeCall())) return false;
  } else {
    place_ = queue.Enter(rule.queue_max, MakeCall());
    if (!place_.has_value()) return false;
  }
  in_line_ = true;
  counters_.queued.Add(1);
  return true;
}

bool Waiting::TakeRecovered() {
  const uint64_t now = line_->recoveries.load();
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
