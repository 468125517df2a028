// Smooth weighted round robin over the backends of one rule.
//
// Source: stride scheduling, Waldspurger and Weihl, "Stride Scheduling: Deterministic
// Proportional-Share Resource Management", MIT/LCS/TM-528, 1995: a backend's turns lie 1 / weight
// apart in virtual time, and the earliest turn is next. Over one full turn of all each backend is
// taken exactly as often as its weight says, evenly spread: between two turns of one, another has
// no more than its weight allows for. Backends are known by their index in the rule's table. A
// backend that is not eligible lets its turns pass, so that it comes back without a burst.
// Deterministic. Threading: none; each I/O thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "dataplane/balance/least_of.h"

namespace lb::dataplane {

// Every backend that is in use: looked at without asking for each.
struct AllInUse {
  constexpr bool operator()(size_t) const { return true; }
};

class SmoothWrr final {
 public:
  // Where a backend stood before: its index there, or nullopt when it is new.
  using Origins = std::vector<std::optional<size_t>>;

  // `seed` chooses where in its stride each begins, so that threads do not go in step. Weight 0 is
  // never picked.
  SmoothWrr(const std::vector<uint32_t>& weights, uint64_t seed);

  // Goes on where `previous` stands: backend i is where backend origins[i] was there, which must
  // have as many elements as `weights`. `seed` is for the new ones.
  SmoothWrr(const std::vector<uint32_t>& weights, const SmoothWrr& previous, const Origins& origins,
            uint64_t seed);

  // Changes the weights of the same backends; who has one again goes on where it stood.
  void Reweigh(const std::vector<uint32_t>& weights);

  // Returns whose turn it is among those with a weight and eligible(index), or nullopt when there
  // is none. Changes nothing: Take() follows when it is used. Cheap for AllInUse, else O(backends).
  template <typename Eligible>
  std::optional<size_t> Next(Eligible&& eligible) const {
    if constexpr (std::is_same_v<std::remove_cvref_t<Eligible>, AllInUse>) return turns_.Find(0);
    std::optional<size_t> best;
    for (size_t i = 0; i < turns_.size(); ++i) {
      if (turns_[i] == LeastOf::kNever || !eligible(i)) continue;
      if (!best.has_value() || turns_[i] < turns_[*best]) best = i;
    }
    return best;
  }

  // Books that `index`, as Next() said for the same `eligible`, was taken.
  template <typename Eligible>
  void Take(size_t index, Eligible&& eligible) {
    now_ = turns_[index];
    turns_.Set(index, now_ + strides_[index]);
    if constexpr (!std::is_same_v<std::remove_cvref_t<Eligible>, AllInUse>) {
      for (size_t i = 0; i < turns_.size(); ++i) {
        if (turns_[i] < now_ && !eligible(i)) turns_.Set(i, now_);
      }
    }
    if (now_ > kLatest) Rebase();
  }

  // Next() and Take() in one.
  template <typename Eligible>
  std::optional<size_t> Pick(Eligible&& eligible) {
    const std::optional<size_t> next = Next(eligible);
    if (next.has_value()) Take(*next, eligible);
    return next;
  }

  size_t size() const { return turns_.size(); }

 private:
  // Virtual time begins anew then, for the sake of its last digits: a stride may be a billionth.
  static constexpr double kLatest = 1'000;

  // How far the next turn is away, in strides of the backend: above 0 where it was just taken.
  double PlaceOf(size_t index) const;
  void Rebase();

  std::vector<double> strides_;  // 1 / weight; 0 without one.
  std::vector<double> places_;   // PlaceOf those without a weight.
  LeastOf turns_;                // When the next turn of each is; never without a weight.
  double now_ = 0;
};

}  // namespace lb::dataplane
