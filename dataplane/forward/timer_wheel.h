// Coarse timeouts of many connections: arming, moving and cancelling are O(1) and allocate nothing.
//
// Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 6. A
// deadline beyond one turn waits in the farthest slot and is put on again from there.
// A timer never fires early, and at most one tick late when Advance is called on time.
// Time is an argument. Threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "base/time.h"

namespace lb::dataplane {

// One timeout; a member of what it belongs to. Must not be destroyed while armed.
struct Timer {
  Timer* next = nullptr;
  Timer* previous = nullptr;
  Instant deadline{};

  bool armed() const { return next != nullptr; }
};

class TimerWheel final {
 public:
  static constexpr uint32_t kSlots = 1024;  // A power of two; with 50 ms ticks a turn is 51 s.

  // `tick` is the resolution, above zero.
  TimerWheel(Duration tick, Instant start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Arms `timer`, or moves it when armed. A deadline in the past fires at the next Advance.
  void Arm(Timer& timer, Instant deadline);
  // Does nothing when not armed.
  void Cancel(Timer& timer);

  // Calls expired(Timer&) for every timer whose deadline is not after `now`; each is disarmed
  // before, and may be armed again or destroyed by the call, as may any other.
  template <typename Expired>
  void Advance(Instant now, Expired&& expired) {
    const uint64_t until = TickOf(now);
    if (until < current_) return;
    // One turn visits every slot; more would visit them again for nothing.
    const uint64_t turns = until - current_ < kSlots ? until - current_ + 1 : kSlots;
    const uint64_t first = until - turns + 1;
    // What is armed meanwhile goes to a slot of a later Advance.
    current_ = until + 1;
    for (uint64_t tick = first; tick <= until; ++tick) FireSlot(tick, now, expired);
  }

  // When Advance is next of use; nullopt when nothing is armed.
  std::optional<Instant> NextWake() const;

  size_t size() const { return size_; }

 private:
  uint64_t TickOf(Instant instant) const {
    return instant <= start_ ? 0 : static_cast<uint64_t>((instant - start_) / tick_);
  }
  static uint32_t SlotOf(uint64_t tick) { return static_cast<uint32_t>(tick % kSlots); }
  void Insert(Timer& timer);

  template <typename Expired>
  void FireSlot(uint64_t tick, Instant now, Expired& expired) {
    Timer& head = slots_[SlotOf(tick)];
    if (head.next == &head) return;
    // Moved aside first: timers armed by `expired` may land in this very slot.
    Timer due;
    due.next = head.next;
    due.previous = head.previous;
    due.next->previous = due.previous->next = &due;
    head.next = head.previous = &head;
    occupied_[SlotOf(tick) / 64] &= ~(uint64_t{1} << (SlotOf(tick) % 64));
    while (due.next != &due) {
      Timer& timer = *due.next;
      Cancel(timer);
      if (timer.deadline > now)
        Insert(timer);
      else
        expired(timer);
    }
  }

  const Duration tick_;
  const Instant start_;
  uint64_t current_ = 0;  // The first tick not fired yet.
  size_t size_ = 0;
  std::array<Timer, kSlots> slots_;               // Heads of circular lists.
  std::array<uint64_t, kSlots / 64> occupied_{};  // A bit for each slot that may hold a timer.
};

}  // namespace lb::dataplane
