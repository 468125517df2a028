// The backend with the fewest connections for its weight, over the backends of one rule.
//
// Counts are those of one I/O thread: reading what other threads write costs a cache line for each
// backend, many times the choice itself, and evens out no more than one connection for each thread
// (pick_cost_test prints both costs). The least is that of (connections + 1) / weight, as if it
// were taken; ties go round. Deterministic. Threading: none; each I/O thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/balance/least_of.h"

namespace lb::dataplane {

class LeastLoaded final {
 public:
  // All weights 0 and no connections at first; `seed` chooses where ties begin.
  LeastLoaded(size_t backends, uint64_t seed);

  // Weight 0 is never picked.
  void Reweigh(const std::vector<uint32_t>& weights);
  // Says how many connections a backend has now.
  void SetLoad(size_t index, uint64_t connections) {
    loads_[index] = static_cast<double>(connections);
    SetCost(index);
  }

  // Returns the least loaded with a weight, or nullopt. Changes nothing: Take() follows.
  std::optional<size_t> Next() const { return costs_.Find(start_); }

  // The same among those that are eligible(index).
  template <typename Eligible>
  std::optional<size_t> NextAmong(Eligible&& eligible) const {
    std::optional<size_t> best;
    for (size_t i = 0; i < costs_.size(); ++i) {
      const size_t at = start_ + i < costs_.size() ? start_ + i : start_ + i - costs_.size();
      if (costs_[at] == LeastOf::kNever || !eligible(at)) continue;
      if (!best.has_value() || costs_[at] < costs_[*best]) best = at;
    }
    return best;
  }

  // The next tie goes to who comes after `index`.
  void Take(size_t index) { start_ = index + 1 < costs_.size() ? index + 1 : 0; }

 private:
  void SetCost(size_t index) {
    const uint32_t weight = weights_[index];
    costs_.Set(index, weight == 0 ? LeastOf::kNever : (loads_[index] + 1) / weight);
  }

  size_t start_ = 0;
  std::vector<uint32_t> weights_;
  std::vector<double> loads_;
  LeastOf costs_;
};

}  // namespace lb::dataplane
