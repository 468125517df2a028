// Two backends drawn by weight, and the less loaded of them: nearly as even as looking at all, at
// the price of looking at two.
//
// Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001. Drawing is
// O(1) by the alias method: Vose, "A Linear Algorithm for Generating Random Numbers with a Given
// Distribution", 1991. Deterministic for a seed. Threading: none; each I/O thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.h"

namespace lb::dataplane {

class TwoChoices final {
 public:
  // All weights 0 at first.
  TwoChoices(size_t backends, uint64_t seed);

  // Weight 0 is never picked. O(backends).
  void Reweigh(const std::vector<uint32_t>& weights);

  // Returns one of two that are eligible(index) and have a weight: the one with fewer connections,
  // load(index), for its weight. One alone where the draws find no second; nullopt for none.
  template <typename Load, typename Eligible>
  std::optional<size_t> Next(Load&& load, Eligible&& eligible) {
    if (total_weight_ == 0) return std::nullopt;
    std::optional<size_t> first;
    for (int i = 0; i < kMaxDraws; ++i) {
      const size_t drawn = Draw();
      if (first == drawn || !eligible(drawn)) continue;
      if (first.has_value()) return LessLoaded(*first, drawn, load);
      first = drawn;
    }
    return first.has_value() ? first : AnyOf(eligible);
  }

 private:
  // A backend of nearly all the weight is drawn again and again; so is one that was tried.
  static constexpr int kMaxDraws = 16;

  size_t Draw() {
    const uint64_t bits = random_.Next();
    const size_t cell = static_cast<size_t>(((bits >> 32) * cells_.size()) >> 32);
    return static_cast<uint32_t>(bits) < cells_[cell].threshold ? cell : cells_[cell].alias;
  }

  template <typename Load>
  size_t LessLoaded(size_t a, size_t b, Load&& load) const {
    const uint64_t a_cost = (load(a) + 1) * weights_[b];
    const uint64_t b_cost = (load(b) + 1) * weights_[a];
    return b_cost < a_cost ? b : a;
  }

  // One of the few that the draws did not find, from a random place on.
  template <typename Eligible>
  std::optional<size_t> AnyOf(Eligible&& eligible) {
    const size_t start = random_.Below(weights_.size());
    for (size_t i = 0; i < weights_.size(); ++i) {
      const size_t at = (start + i) % weights_.size();
      if (weights_[at] > 0 && eligible(at)) return at;
    }
    return std::nullopt;
  }

  struct Cell {
    uint32_t threshold = 0;  // Of 2^32: below it the cell's own backend.
    uint32_t alias = 0;
  };

  Prng random_;
  std::vector<uint32_t> weights_;
  std::vector<Cell> cells_;
  uint64_t total_weight_ = 0;
  std::vector<uint64_t> scaled_;  // Work space of Reweigh, kept to allocate nothing.
  std::vector<uint32_t> small_;
  std::vector<uint32_t> large_;
};

}  // namespace lb::dataplane
