// Virtual time: what is to happen, in order of time and then of insertion. Threading: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/time.h"

namespace lb::sim {

class EventQueue final {
 public:
  using Task = std::function<void()>;

  // Starts at an odd time, not at zero: logic that takes zero for "never" shows.
  EventQueue() : now_(std::chrono::hours(1000) + std::chrono::nanoseconds(7)) {}

  Instant now() const { return now_; }

  void At(Instant when, Task task) {
    tasks_.emplace(std::pair(std::max(when, now_), next_++), std::move(task));
  }
  void After(Duration delay, Task task) { At(now_ + delay, std::move(task)); }

  // Runs the next task; false when there is none before `end`.
  bool RunOne(Instant end) {
    if (tasks_.empty() || tasks_.begin()->first.first > end) return false;
    auto node = tasks_.extract(tasks_.begin());
    LB_CHECK(node.key().first >= now_);
    now_ = node.key().first;
    node.mapped()();
    return true;
  }

 private:
  Instant now_;
  uint64_t next_ = 0;
  std::map<std::pair<Instant, uint64_t>, Task> tasks_;
};

}  // namespace lb::sim
