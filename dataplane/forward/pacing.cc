// How a connection keeps to the bandwidth limits that count for it.
#include <algorithm>
#include <string>
#include <utility>

#include "dataplane/forward/connection.h"
#include "dataplane/forward/listener_set.h"
#include "dataplane/forward/throttle.h"
#include "dataplane/forward/tls_ends.h"

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

// What limits a backend, as the table says now; of one that was removed, as it was.
std::shared_ptr<BucketPair> BandwidthOf(const RuleTable& table, const BackendTable& backend) {
  const auto found = std::lower_bound(
      table.backends.begin(), table.backends.end(), backend.name,
      [](const BackendTable& a, const std::string& name) { return a.name < name; });
  return found != table.backends.end() && found->name == backend.name ? found->bandwidth
                                                                      : backend.bandwidth;
}

}  // namespace

template <typename PumpWith>
Pumped Connection::Paced(Throttle::Way& way, const PumpWith& pump) {
  Instant wake = Instant::max();
  const Pumped pumped = PumpWithin(way, context_.now, wake, pump);
  way.NotePaused(pumped.result == PumpResult::kPaused);
  const bool armed = throttle_->armed();
  if (wake != Instant::max() && (!armed || wake < throttle_->deadline))
    context_.pace_timers.Arm(*throttle_, wake);
  return pumped;
}

// The table in force counts: it may be newer than the connection's, even at its beginning. A rule
// that was removed keeps its limits.
void Connection::StartThrottle() {
  const RuleTable* const newest = context_.rules->Find(rule_->table().name);
  const RuleTable& table = newest == nullptr ? rule_->table() : *newest;
  std::shared_ptr<BucketPair> backend = BandwidthOf(table, rule_->backend(link_.backend()));
  if (table.client_bandwidth == nullptr && backend == nullptr) return;
  std::shared_ptr<BucketPair> client;
  if (table.client_bandwidth != nullptr)
    client = table.client_bandwidth->Of(ClientAddress(), context_.now);
  throttle_ = std::make_unique<Throttle>(this, std::move(client), std::move(backend));
}

void Connection::FollowBandwidth() {
  bandwidth_generation_ = context_.bandwidth_generation;
  // A socket that failed does not tell any more whose it was.
  if (client_.reset) return;
  EndThrottle();
  StartThrottle();
}

void Connection::EndThrottle() {
  if (throttle_ == nullptr) return;
  context_.pace_timers.Cancel(*throttle_);
  throttle_->Leave(context_.now);
  throttle_.reset();
}

Pumped Connection::PumpUp() {
  const auto pump = [this](uint64_t allowance) {
    if (tls_ != nullptr && tls_->speaks())
      return PumpTls(up_, {client_, tls_->client.get()}, {link_.side(), tls_->backend.get()},
                     down_.ended, context_.tools, context_.now, allowance);
    return Pump(up_, client_, link_.side(), down_.ended, context_.tools, context_.now, allowance);
  };
  return throttle_ == nullptr ? pump(kNoAllowance) : Paced(throttle_->up(), pump);
}

Pumped Connection::PumpDown() {
  const auto pump = [this](uint64_t allowance) {
    if (tls_ != nullptr && tls_->speaks())
      return PumpTls(down_, {link_.side(), tls_->backend.get()}, {client_, tls_->client.get()},
                     up_.ended, context_.tools, context_.now, allowance);
    return Pump(down_, link_.side(), client_, up_.ended, context_.tools, context_.now, allowance);
  };
  return throttle_ == nullptr ? pump(kNoAllowance) : Paced(throttle_->down(), pump);
}

void Connection::OnPaced() {
  if (state_ == State::kRelaying) Relay();
}

}  // namespace lb::dataplane
