#include "dataplane/control/drainer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "dataplane/control/nack.h"

namespace lb::dataplane {

using lb::worker::v1::Command;
using lb::worker::v1::ConnectRequest;

namespace {

// The timeout of a command: the contract's default when unset, within bounds otherwise.
Duration TimeoutOf(const Command::Drain& drain) {
  if (!drain.has_timeout()) return Drainer::kDefaultTimeout;
  const int64_t longest_s = Drainer::kMaxTimeout.count();
  const int64_t timeout_s = std::clamp<int64_t>(drain.timeout().seconds(), 0, longest_s);
  const int64_t rest_ns = std::clamp<int64_t>(drain.timeout().nanos(), 0, 999'999'999);
  return std::chrono::seconds(timeout_s) + std::chrono::nanoseconds(rest_ns);
}

}  // namespace

absl::Status Drainer::Take(const Command& command, Instant now) {
  if (command.id().empty() || command.id().size() > kMaxCommandIdBytes ||
      command.order_case() == Command::ORDER_NOT_SET) {
    return absl::InvalidArgumentError(
        absl::StrCat("command without an id of 1 to ", kMaxCommandIdBytes, " bytes or an order"));
  }
  const bool repeated = !IsNew(command.id());
  // Only the newest command has a state of its own to tell; an older one was overtaken.
  if (repeated && command.id() != commands_.back()) return absl::OkStatus();
  if ((to_exit_ || aside_) && command.has_undrain()) {
    LogWarn("undrain not carried out: the worker is ending or replaced",
            {{"command", command.id()}});
    refused_command_ = command.id();
    return absl::OkStatus();
  }
  reported_command_ = command.id();
  next_status_ = now;
  if (repeated || to_exit_ || aside_) return absl::OkStatus();
  if (command.has_drain()) {
    LogInfo("drain ordered", {{"command", command.id()}});
    Begin(TimeoutOf(command.drain()), now);
  } else if (draining()) {
    LogInfo("drain taken back", {{"command", command.id()}});
    phase_ = Phase::kResuming;
    deadline_ = now + kStatusInterval;
    Resume();
  }
  return absl::OkStatus();
}

bool Drainer::IsNew(const std::string& id) {
  if (std::find(commands_.begin(), commands_.end(), id) != commands_.end()) return false;
  commands_.push_back(id);
  if (commands_.size() > kMaxRememberedCommands) commands_.pop_front();
  return true;
}

void Drainer::DrainToExit(Duration timeout, Instant now) {
  to_exit_ = true;
  next_status_ = now;
  Begin(timeout, now);
}

void Drainer::StandAside(std::optional<Duration> timeout, Instant now) {
  if (to_exit_) return;
  aside_ = true;
  next_status_ = now;
  Begin(timeout.value_or(kMaxTimeout), now);
  if (!timeout.has_value()) deadline_ = Instant::max();
}

void Drainer::StandIn(Instant now) {
  if (!std::exchange(aside_, false) || to_exit_) return;
  phase_ = Phase::kResuming;
  deadline_ = now + kStatusInterval;
  Resume();
}

void Drainer::Begin(Duration timeout, Instant now) {
  if (phase_ == Phase::kDrained) return;
  traffic_.StopAccepting();
  phase_ = Phase::kDraining;
  closed_ = 0;
  deadline_ = now + timeout;
}

void Drainer::Resume() {
  const std::vector<BindFailure> failures = traffic_.ResumeAccepting();
  for (const BindFailure& failure : failures) {
    LogWarn("cannot accept again yet", {{"rule", failure.rule}, {"error", ToString(failure)}});
  }
  if (failures.empty()) phase_ = Phase::kServing;
}

void Drainer::Step(Instant now) {
  const bool waiting = phase_ == Phase::kDraining || phase_ == Phase::kClosing;
  if (phase_ == Phase::kResuming && now >= deadline_) {
    deadline_ = now + kStatusInterval;
    Resume();
  } else if (waiting && traffic_.connections() == 0) {
    phase_ = Phase::kDrained;
  } else if (waiting && now >= deadline_) {
    if (phase_ == Phase::kClosing) {
      phase_ = Phase::kDrained;
      return;
    }
    closed_ = traffic_.connections();
    LogWarn("drain timeout: closing connections", {{"connections", absl::StrCat(closed_)}});
    traffic_.CloseConnections();
    phase_ = Phase::kClosing;
    deadline_ = now + kCloseGrace;
  }
}

std::optional<ConnectRequest> Drainer::Status(Instant now) {
  if (!refused_command_.empty()) {
    ConnectRequest refusal = Message(true);
    refusal.mutable_drain()->set_command_id(std::exchange(refused_command_, ""));
    refusal.mutable_drain()->set_refused("the worker is ending or replaced");
    return refusal;
  }
  if (reported_command_.empty() && !to_exit_ && !aside_) return std::nullopt;
  const bool done = phase_ == Phase::kServing || phase_ == Phase::kDrained;
  if ((!done || reported_command_.empty()) && now < next_status_) return std::nullopt;
  next_status_ = now + kStatusInterval;
  ConnectRequest message = Message(done);
  message.mutable_drain()->set_command_id(reported_command_);
  if (done) reported_command_.clear();
  return message;
}

ConnectRequest Drainer::Message(bool done) const {
  ConnectRequest message;
  message.mutable_drain()->set_connections_left(traffic_.connections());
  message.mutable_drain()->set_done(done);
  message.mutable_drain()->set_connections_closed(closed_);
  message.mutable_drain()->set_ending(to_exit_ || aside_);
  return message;
}

}  // namespace lb::dataplane
