// What one worker has of one backend's or rule's slots, as far as the control plane can know. A
// value; threading: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace lb::controlplane {

struct SlotShare {
  // Grants to one worker under one limit that may wait for a report; then no more are sent until
  // one comes. A worker answers every grant, so a handful is enough.
  static constexpr size_t kMaxUnanswered = 8;

  // How long a report of what a worker wants is believed; then it wants what it holds.
  static constexpr std::chrono::seconds kWantedFresh{1};

  uint64_t applied = 0;  // The grant the worker reported last.
  uint64_t held = 0;     // Reported last.
  uint64_t wanted = 0;   // The most reported of late: see Want.
  Instant wanted_at;
  std::optional<Instant> began_at;  // When it said hello without any; else unset.
  std::vector<std::pair<uint64_t, uint64_t>> unanswered;  // (seq, slots), by seq.
  uint64_t target = 0;
  bool must_send = false;  // Send a grant even when it changes nothing.

  // Takes a report of demand. The answer to a grant covers hardly any time, so a lower number does
  // not replace a higher one that is fresh: rights would swing between busy workers.
  void Want(uint64_t reported, Instant now) {
    if (reported < wanted && now - wanted_at <= kWantedFresh) return;
    wanted = reported;
    wanted_at = now;
  }

  // What the worker could use now.
  uint64_t demand(Instant now) const {
    return now - wanted_at <= kWantedFresh ? std::max(wanted, held) : held;
  }

  // True for as long as its reports cannot tell yet what it will want.
  bool begins(Instant now) const { return began_at && now - *began_at <= kWantedFresh; }

  // The grant sent last.
  uint64_t granted() const { return unanswered.empty() ? applied : unanswered.back().second; }

  // The most slots the worker may hold, whichever of the grants on their way it has applied.
  uint64_t exposure() const {
    uint64_t most = std::max(applied, held);
    for (const auto& [seq, slots] : unanswered) most = std::max(most, slots);
    return most;
  }

  // True from a hello that did not name it to the first grant after it: the worker may have less
  // than was sent on older streams.
  bool carried() const { return must_send && !unanswered.empty(); }

  bool idle() const { return exposure() == 0 && unanswered.empty(); }

  // The worker has applied every grant up to `seq`.
  void Answered(uint64_t seq) {
    auto it = unanswered.begin();
    for (; it != unanswered.end() && it->first <= seq; ++it) applied = it->second;
    unanswered.erase(unanswered.begin(), it);
  }
};

}  // namespace lb::controlplane
