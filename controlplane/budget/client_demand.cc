#include "controlplane/budget/client_demand.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace lb::controlplane {
namespace {

constexpr double kTimeConstantS = 1;
constexpr double kSlowTimeConstantS = 10;
constexpr double kDeviations = 4;      // Beyond them a count is no chance.
constexpr double kMissedArrivals = 5;  // A silence in which so many were expected is none either.
constexpr double kPauseS = 1;          // Who comes back after it begins anew.
constexpr double kNothing = 1e-3;      // Below it, a rate is 0.

double Seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

double Step(uint64_t samples, double elapsed_s, double constant_s) {
  return std::max(1 / static_cast<double>(samples), 1 - std::exp(-elapsed_s / constant_s));
}

}  // namespace

void ClientDemand::Note(uint64_t count, Duration elapsed) {
  const double elapsed_s = Seconds(elapsed);
  const auto arrivals = static_cast<double>(count);
  const double expected = rate_ * elapsed_s;
  if (count > 0 && silent_s_ >= kPauseS) samples_ = 0;
  silent_s_ = count > 0 ? 0 : silent_s_ + elapsed_s;
  const bool changed = std::abs(arrivals - expected) > kDeviations * std::sqrt(expected + 1);
  if (changed || rate_ * silent_s_ > kMissedArrivals) samples_ = 0;
  ++samples_;
  rate_ += Step(samples_, elapsed_s, kTimeConstantS) * (arrivals / elapsed_s - rate_);
  if (rate_ < kNothing) rate_ = 0;
  if (count == 0 && slow_samples_ == 0) return;
  ++slow_samples_;
  slow_rate_ += Step(slow_samples_, elapsed_s, kSlowTimeConstantS) * (rate_ - slow_rate_);
}

bool ClientDemand::IsJump(uint64_t count, Duration elapsed) const {
  const double expected = rate_ * Seconds(elapsed);
  return static_cast<double>(count) - expected > kDeviations * std::sqrt(expected + 1);
}

}  // namespace lb::controlplane
