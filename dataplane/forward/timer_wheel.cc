#include "dataplane/forward/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace lb::dataplane {

TimerWheel::TimerWheel(Duration tick, Instant start) : tick_(tick), start_(start) {
  LB_CHECK(tick.count() > 0);
  for (Timer& head : slots_) head.next = head.previous = &head;
}

void TimerWheel::Arm(Timer& timer, Instant deadline) {
  Cancel(timer);
  timer.deadline = deadline;
  Insert(timer);
}

void TimerWheel::Cancel(Timer& timer) {
  if (!timer.armed()) return;
  timer.next->previous = timer.previous;
  timer.previous->next = timer.next;
  timer.next = timer.previous = nullptr;
  --size_;
}

void TimerWheel::Insert(Timer& timer) {
  // The tick after the deadline's own: when it is reached, the deadline has surely passed.
  const uint64_t wanted = TickOf(timer.deadline) + 1;
  const uint64_t tick = std::clamp(wanted, current_, current_ + kSlots - 1);
  const uint32_t slot = SlotOf(tick);
  Timer& head = slots_[slot];
  timer.next = &head;
  timer.previous = head.previous;
  head.previous->next = &timer;
  head.previous = &timer;
  occupied_[slot / 64] |= uint64_t{1} << (slot % 64);
  ++size_;
}

std::optional<Instant> TimerWheel::NextWake() const {
  if (size_ == 0) return std::nullopt;
  uint64_t tick = current_;
  while (tick < current_ + kSlots) {
    const uint32_t slot = SlotOf(tick);
    const uint64_t rest = occupied_[slot / 64] >> (slot % 64);
    if (rest == 0) {
      tick += 64 - slot % 64;
      continue;
    }
    tick += static_cast<uint64_t>(std::countr_zero(rest));
    const Timer& head = slots_[SlotOf(tick)];
    if (head.next != &head) break;
    ++tick;  // Its timers were cancelled.
  }
  return start_ + tick_ * static_cast<int64_t>(tick);
}

}  // namespace lb::dataplane
