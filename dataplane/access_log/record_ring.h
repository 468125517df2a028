// Records on their way from one I/O thread to the thread that writes them. When it is full a record
// is dropped and counted: nobody waits.
//
// Threading: Push belongs to one thread, Pop to another, SwitchOn and SwitchOff to a third; the
// rest is thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "dataplane/access_log/access_record.h"

namespace lb::dataplane {

class RecordRing final {
 public:
  // What a thread closes within a turn of the writer, at 200,000 connections per second. Less than
  // 2 MiB, which are taken when the log is first on.
  static constexpr size_t kRecords = 4096;
  static_assert(kRecords * sizeof(AccessRecord) <= 2u << 20);

  // Whether to push.
  bool on() const { return on_.load(std::memory_order_acquire); }
  void SwitchOn() {
    if (records_ == nullptr) records_ = std::make_unique<AccessRecord[]>(kRecords);
    on_.store(true, std::memory_order_release);
  }
  // What was pushed before stays to be popped.
  void SwitchOff() { on_.store(false, std::memory_order_release); }

  // Requires that on() was true once.
  void Push(AccessRecord record) {
    const uint64_t at = pushed_.load(std::memory_order_relaxed);
    if (at - popped_.load(std::memory_order_acquire) == kRecords) {
      dropped_.store(dropped() + 1, std::memory_order_relaxed);
      return;
    }
    records_[at % kRecords] = std::move(record);
    pushed_.store(at + 1, std::memory_order_release);
  }

  // The oldest; false when there is none.
  bool Pop(AccessRecord& record) {
    const uint64_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) return false;
    record = std::move(records_[at % kRecords]);
    popped_.store(at + 1, std::memory_order_release);
    return true;
  }

  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> on_{false};
  std::unique_ptr<AccessRecord[]> records_;
  // Apart, so that the two threads do not take the line from each other.
  alignas(64) std::atomic<uint64_t> pushed_{0};
  std::atomic<uint64_t> dropped_{0};
  alignas(64) std::atomic<uint64_t> popped_{0};
};

}  // namespace lb::dataplane
