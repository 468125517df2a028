// Smooth weighted round robin over the backends of one rule.
//
// Source: nginx, "Upstream: smooth weighted round-robin balancing" (commit 52327e0627f4, 2012): at
// each pick every eligible backend gains its weight, the richest is taken and pays the sum of what
// was gained. Over one full turn each backend is taken exactly as often as its weight says, evenly
// spread. Backends are known by their index in the rule's table. A backend that is not eligible
// neither gains nor pays, so that it comes back without a burst.
// Deterministic. Threading: none; each I/O thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace lb::dataplane {

class SmoothWrr final {
 public:
  // Where a backend stood before: its index there, or nullopt when it is new.
  using Origins = std::vector<std::optional<size_t>>;

  // Starts at a place of the turn that `seed` chooses, so that threads do not go in step. Weight 0
  // is never picked.
  SmoothWrr(std::vector<uint32_t> weights, uint64_t seed);

  // Goes on where `previous` stands: backend i has the credit of backend origins[i] there, which
  // must have as many elements as `weights`.
  SmoothWrr(std::vector<uint32_t> weights, const SmoothWrr& previous, const Origins& origins);

  // Returns whose turn it is among those with a weight and eligible(index), or nullopt when there
  // is none. Changes nothing: Take() follows when it is used. O(backends).
  template <typename Eligible>
  std::optional<size_t> Next(Eligible&& eligible) const {
    std::optional<size_t> best;
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] == 0 || !eligible(i)) continue;
      if (!best.has_value() || credits_[i] + weights_[i] > credits_[*best] + weights_[*best])
        best = i;
    }
    return best;
  }

  // Books that `index`, as Next() said for the same `eligible`, was taken.
  template <typename Eligible>
  void Take(size_t index, Eligible&& eligible) {
    int64_t gained = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      // The taken one counts even if it lost its health since Next().
      if (weights_[i] == 0 || (i != index && !eligible(i))) continue;
      credits_[i] += weights_[i];
      gained += weights_[i];
    }
    credits_[index] -= gained;
  }

  // Next() and Take() in one.
  template <typename Eligible>
  std::optional<size_t> Pick(Eligible&& eligible) {
    const std::optional<size_t> next = Next(eligible);
    if (next.has_value()) Take(*next, eligible);
    return next;
  }

  size_t size() const { return weights_.size(); }

 private:
  int64_t TotalWeight() const;

  std::vector<uint32_t> weights_;
  std::vector<int64_t> credits_;  // Each between minus and plus the total weight.
};

}  // namespace lb::dataplane
