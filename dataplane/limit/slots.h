// The connection slots of one backend, or of a rule, in this worker: as many as the control plane
// granted, shared by all I/O threads, never passed.
//
// A slot is taken before connecting and given back exactly once, after the socket is closed. A
// grant below what is held takes nothing away: no new slot until enough came back.
// Thread-safe; each call is a few atomic operations.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace lb::dataplane {

class Slots final {
 public:
  // Most slots that can be granted: grant and use share one 64-bit word.
  static constexpr uint64_t kMaxSlots = 0xffff'ffff;

  // Takes a slot and returns true, or counts a refusal and returns false. From the moment Grant()
  // returned, held() does not grow beyond that grant.
  [[nodiscard]] bool TryTake() {
    uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if (HeldOf(word) >= GrantedOf(word)) {
        NoteRefused();
        return false;
      }
    } while (!word_.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    NotePeak(HeldOf(word) + 1);
    return true;
  }

  // Takes a slot whatever was granted: of a backend that has no limit. Counting its connections too
  // makes a limit that is set later hold for those already open.
  void Take() { word_.fetch_add(1, std::memory_order_acq_rel); }

  // True when TryTake() would succeed now; another thread may be faster. Sequentially consistent
  // with Return() and Grant(), as WaitQueue needs it.
  bool HasFree() const {
    const uint64_t word = word_.load(std::memory_order_seq_cst);
    return HeldOf(word) < GrantedOf(word);
  }

  // Counts a refusal as a failed TryTake() does, for whoever saw with HasFree() that it would fail.
  void NoteRefused() { refused_.fetch_add(1, std::memory_order_relaxed); }

  // Gives one slot back.
  void Return() {
    const uint64_t before = word_.fetch_sub(1, std::memory_order_seq_cst);
    LB_CHECK(HeldOf(before) > 0);
  }

  // Control thread: sets the rights; more than kMaxSlots is kMaxSlots.
  void Grant(uint64_t slots) {
    const uint64_t granted = slots < kMaxSlots ? slots : kMaxSlots;
    uint64_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, granted << kGrantShift | HeldOf(word),
                                        std::memory_order_seq_cst, std::memory_order_relaxed)) {
    }
  }

  uint64_t granted() const { return GrantedOf(word_.load(std::memory_order_acquire)); }
  uint64_t held() const { return HeldOf(word_.load(std::memory_order_acquire)); }

  // Control thread: the most held plus the refusals since the last call.
  uint64_t TakeWanted() {
    const uint64_t peak = peak_.exchange(held(), std::memory_order_relaxed);
    return peak + refused_.exchange(0, std::memory_order_relaxed);
  }

 private:
  static constexpr int kGrantShift = 32;

  static uint64_t GrantedOf(uint64_t word) { return word >> kGrantShift; }
  static uint64_t HeldOf(uint64_t word) { return word & kMaxSlots; }

  void NotePeak(uint64_t held) {
    uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < held && !peak_.compare_exchange_weak(peak, held, std::memory_order_relaxed)) {
    }
  }

  // The grant in the upper half, the slots held in the lower: a slot taken under a grant that was
  // just lowered would be one that somebody else was given.
  std::atomic<uint64_t> word_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace lb::dataplane
