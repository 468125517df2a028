// How a connection keeps to the bandwidth limits that count for it.
#include <utility>

#include "dataplane/forward/connection.h"
#include "dataplane/forward/throttle.h"

namespace lb::dataplane {
namespace {

// Allowances taken one after the other before others get their turn.
constexpr int kMaxAllowances = 4;

// Pumps as far as the throttle allows. `wake` is moved forward to when there is more to be had.
template <typename PumpWith>
Pumped PumpWithin(Throttle::Way& way, Instant now, Instant& wake, const PumpWith& pump) {
  Pumped all;
  uint64_t allowance = 0;  // Asked for only when there is something to read.
  for (int i = 0; i < kMaxAllowances; ++i) {
    const Pumped moved = pump(allowance);
    all.received_bytes += moved.received_bytes;
    all.sent_bytes += moved.sent_bytes;
    all.result = moved.result;
    way.Moved(moved.received_bytes);
    if (moved.result != PumpResult::kPaused) {
      way.GiveBackRest(now);
      return all;
    }
    allowance = way.Allowance(now, wake);
    if (allowance == 0) return all;
  }
  all.result = PumpResult::kAgain;
  return all;
}

}  // namespace

template <typename PumpWith>
Pumped Connection::Paced(Throttle::Way& way, const PumpWith& pump) {
  Instant wake = Instant::max();
  const Pumped pumped = PumpWithin(way, context_.now, wake, pump);
  const bool armed = throttle_->armed();
  if (wake != Instant::max() && (!armed || wake < throttle_->deadline))
    context_.pace_timers.Arm(*throttle_, wake);
  return pumped;
}

void Connection::StartThrottle() {
  const RuleTable& table = rule_->table();
  std::shared_ptr<BucketPair> client;
  if (table.client_bandwidth != nullptr)
    client = table.client_bandwidth->Of(ClientAddress(), context_.now);
  throttle_ = std::make_unique<Throttle>(this, std::move(client),
                                         rule_->backend(link_.backend()).bandwidth);
}

void Connection::EndThrottle() {
  if (throttle_ == nullptr) return;
  context_.pace_timers.Cancel(*throttle_);
  throttle_->Leave(context_.now);
  throttle_.reset();
}

Pumped Connection::PumpUp() {
  const auto pump = [this](uint64_t allowance) {
    return Pump(up_, client_, link_.side(), down_.ended, context_.tools, context_.now, allowance);
  };
  return throttle_ == nullptr ? pump(kNoAllowance) : Paced(throttle_->up(), pump);
}

Pumped Connection::PumpDown() {
  const auto pump = [this](uint64_t allowance) {
    return Pump(down_, link_.side(), client_, up_.ended, context_.tools, context_.now, allowance);
  };
  return throttle_ == nullptr ? pump(kNoAllowance) : Paced(throttle_->down(), pump);
}

void Connection::OnPaced() {
  if (state_ == State::kRelaying) Relay();
}

}  // namespace lb::dataplane
