#include "controlplane/membership/suspicion.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lb::controlplane::swim {
namespace {

// Up to here tables are exchanged at the plain interval.
constexpr double kPushPullMembers = 32;

// How many peers beside the first one should agree, for their number.
size_t Needed(const Timing& timing, size_t members) {
  const size_t wanted = timing.suspicion_mult < 2 ? 0 : timing.suspicion_mult - 2;
  return members < wanted + 2 ? 0 : wanted;
}

}  // namespace

Duration MinSuspicion(const Timing& timing, size_t members) {
  const double scale = std::max(1.0, std::log10(std::max(1.0, static_cast<double>(members))));
  // Cut after three decimals, as peers do.
  const auto thousandths = static_cast<int64_t>(scale * 1'000);
  return timing.probe_interval * static_cast<int64_t>(timing.suspicion_mult) * thousandths / 1'000;
}

size_t RetransmitLimit(size_t mult, size_t members) {
  return mult * static_cast<size_t>(std::ceil(std::log10(static_cast<double>(members) + 1)));
}

Duration PushPullInterval(Duration interval, size_t members) {
  const auto count = static_cast<double>(members);
  if (count <= kPushPullMembers) return interval;
  const double mult = std::ceil(std::log2(count) - std::log2(kPushPullMembers)) + 1;
  return interval * static_cast<int64_t>(mult);
}

Suspicion::Suspicion(const Timing& timing, size_t members, std::string from, Instant now)
    : began_at_(now),
      min_(MinSuspicion(timing, members)),
      max_(min_ * static_cast<int64_t>(timing.suspicion_max_timeout_mult)),
      needed_(Needed(timing, members)) {
  from_.insert(std::move(from));
}

bool Suspicion::Confirm(const std::string& from) {
  return from_.size() - 1 < needed_ && from_.insert(from).second;
}

Instant Suspicion::deadline() const {
  if (needed_ < 1) return began_at_ + min_;
  const double share =
      std::log(static_cast<double>(from_.size())) / std::log(static_cast<double>(needed_) + 1);
  const auto whole = static_cast<double>((max_ - min_).count());
  const Duration timeout = max_ - Duration(static_cast<int64_t>(whole * share));
  return began_at_ +
         std::max<Duration>(min_, std::chrono::floor<std::chrono::milliseconds>(timeout));
}

}  // namespace lb::controlplane::swim
