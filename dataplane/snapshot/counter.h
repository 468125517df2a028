// A number that one thread counts and others read. Threading: as the methods say.
#pragma once

#include <atomic>
#include <cstdint>

namespace lb::dataplane {

// A number one thread writes and any thread reads: no read-modify-write on the hot path.
class Counter final {
 public:
  // Owner thread only.
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Subtract(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  uint64_t Read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace lb::dataplane
