// The connection slots of one backend in this worker: as many as the control plane granted, shared
// by all I/O threads, never passed.
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
  // Takes a slot and returns true, or counts a refusal and returns false. held() never passes the
  // largest grant that was in force at the time of taking.
  [[nodiscard]] bool TryTake() {
    uint64_t held = held_.load(std::memory_order_relaxed);
    do {
      if (held >= granted_.load(std::memory_order_acquire)) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        return false;
      }
    } while (!held_.compare_exchange_weak(held, held + 1, std::memory_order_acq_rel,
                                          std::memory_order_relaxed));
    NotePeak(held + 1);
    return true;
  }

  // Gives one slot back.
  void Return() {
    const uint64_t before = held_.fetch_sub(1, std::memory_order_acq_rel);
    LB_CHECK(before > 0);
  }

  // Control thread: sets the rights.
  void Grant(uint64_t slots) { granted_.store(slots, std::memory_order_release); }

  uint64_t granted() const { return granted_.load(std::memory_order_acquire); }
  uint64_t held() const { return held_.load(std::memory_order_acquire); }

  // Control thread: the most held plus the refusals since the last call.
  uint64_t TakeWanted() {
    const uint64_t peak = peak_.exchange(held(), std::memory_order_relaxed);
    return peak + refused_.exchange(0, std::memory_order_relaxed);
  }

 private:
  void NotePeak(uint64_t held) {
    uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < held && !peak_.compare_exchange_weak(peak, held, std::memory_order_relaxed)) {
    }
  }

  std::atomic<uint64_t> granted_{0};
  std::atomic<uint64_t> held_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<uint64_t> refused_{0};
};

}  // namespace lb::dataplane
