// Which backends of a rule are in use and with which share: from weights, health, backups, the
// panic threshold and slow start.
//
// - A backend of weight 0 is never in use.
// - Backups are in use while no other backend with a weight is usable and one of them is.
// - When less than the threshold of those in question are usable, by number, all of them are in
//   use: the few would only follow the others. That is "panic".
// - A backend that came into use less than `slow_start` ago has 10 % of its weight at first, and
//   evenly more from then on. Only differences count: when all began at once, none is slow.
// Recomputed when health or time asks for it, never for each connection; allocation-free after
// construction. Deterministic. Threading: none; each I/O thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace lb::dataplane {

// What is known of one backend.
struct BackendFacts {
  uint32_t weight = 1;
  bool backup = false;
  bool usable = true;              // Not known to be unhealthy.
  Instant since = Instant::min();  // When it was added or became usable again.
};

class Shares final {
 public:
  // One: the full weight. Weights are multiplied by it when there is a slow start.
  static constexpr uint32_t kWhole = 1'000;
  static constexpr uint32_t kFirstShare = 100;  // Of kWhole.

  struct Options {
    double panic_threshold_ratio = 0;  // 0: never.
    Duration slow_start{0};
  };

  Shares(size_t backends, const Options& options);

  // Recomputes everything. `facts` has an element for each backend.
  void Update(const std::vector<BackendFacts>& facts, Instant now);

  // The weight in force of each backend; 0: not in use.
  const std::vector<uint32_t>& weights() const { return weights_; }
  // Of kWhole, how much of its weight each backend has; empty unless one is slow.
  const std::vector<uint32_t>& slow() const { return slow_; }
  uint64_t total_weight() const { return total_weight_; }
  size_t size() const { return weights_.size(); }
  // True when unusable backends are in use, because too few are usable.
  bool panic() const { return panic_; }
  // True when there are usable backups and they are not in use.
  bool backups_wait() const { return backups_wait_; }
  // When Update() would say something else for the same facts; Instant::max() for never.
  Instant next_change() const { return next_change_; }

 private:
  void ChooseGroup(const std::vector<BackendFacts>& facts);
  void SlowDown(const std::vector<BackendFacts>& facts, Instant now);
  // Of kWhole, before what all have in common is taken out.
  uint32_t GrownSince(Instant since, Instant now) const;

  const Options options_;
  std::vector<uint32_t> weights_;
  std::vector<uint32_t> slow_;
  uint64_t total_weight_ = 0;
  bool panic_ = false;
  bool backups_wait_ = false;
  Instant next_change_ = Instant::max();
};

// True when `usable` of `backends` are so few that all are used.
inline bool IsPanic(size_t usable, size_t backends, double threshold_ratio) {
  return static_cast<double>(usable) < threshold_ratio * static_cast<double>(backends);
}

}  // namespace lb::dataplane
