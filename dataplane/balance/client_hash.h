// Which backend a client's hash is sent to: the one its table names, or, when that cannot take it,
// the one that the table names next.
//
// - A backend without a weight in force, one that was tried, and one in slow start for the part of
//   its clients that it has not got yet, are passed over; clients of other backends stay.
// - With a bound, a backend with more than `bound_ratio` times its even share of the connections is
//   passed over too. Source: Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded
//   Loads", SODA 2018: capacity ceil(c m / n), by weight here.
// - After kMaxProbes, or when the table names none (backups), by weighted rendezvous over all:
//   Schindelhauer, Schomaker, "Weighted Distributed Hash Tables", SPAA 2005. O(backends), rare.
// Deterministic. Threading: none; the tables are shared.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/balance/hash_ring.h"
#include "dataplane/balance/hash_tables.h"
#include "dataplane/balance/hashing.h"
#include "dataplane/balance/maglev.h"
#include "dataplane/balance/shares.h"

namespace lb::dataplane {

class ClientHash final {
 public:
  // `tables` have their names. `bound_ratio`: 0 for no bound, else at least 1.
  ClientHash(HashTables tables, double bound_ratio)
      : tables_(std::move(tables)), bound_ratio_(bound_ratio) {}

  // Returns the backend for a client, or nullopt when none is eligible(index) and in use.
  // load(index) is the number of connections of a backend, total_load() of all; both are only asked
  // when there is a bound.
  template <typename Load, typename TotalLoad, typename Eligible>
  std::optional<size_t> Next(uint64_t hash, const Shares& shares, Load&& load,
                             TotalLoad&& total_load, Eligible&& eligible) const {
    const double unit = bound_ratio_ == 0 || shares.total_weight() == 0
                            ? 0
                            : bound_ratio_ * static_cast<double>(total_load()) /
                                  static_cast<double>(shares.total_weight());
    const auto fits = [&](size_t index) {
      return unit == 0 ||
             static_cast<double>(load(index)) < std::ceil(unit * WeightOf(shares, index));
    };
    const auto takes = [&](size_t index) {
      return shares.weights()[index] > 0 && eligible(index) && HasGrown(hash, index, shares) &&
             fits(index);
    };
    if (const std::optional<size_t> found = Probe(hash, takes)) return found;
    return Rendezvous(hash, shares, eligible, fits);
  }

 private:
  // Half of the backends down leaves one in 2^64 clients without an answer.
  static constexpr uint32_t kMaxProbes = 64;
  static constexpr uint64_t kGrowthSalt = 0x51;

  static double WeightOf(const Shares& shares, size_t index) {
    return static_cast<double>(shares.weights()[index]);
  }

  // A backend in slow start has the same part of its clients again each time, and ever more.
  static bool HasGrown(uint64_t hash, size_t index, const Shares& shares) {
    if (shares.slow().empty()) return true;
    return Reduce(Mix(hash + kGrowthSalt), Shares::kWhole) < shares.slow()[index];
  }

  template <typename Takes>
  std::optional<size_t> Probe(uint64_t hash, Takes&& takes) const {
    if (tables_.maglev != nullptr) {
      for (uint32_t attempt = 0; attempt < kMaxProbes; ++attempt) {
        const size_t index = tables_.maglev->At(hash, attempt);
        if (takes(index)) return index;
      }
    } else if (tables_.ring != nullptr) {
      size_t place = tables_.ring->Find(hash);
      for (uint32_t step = 0; step < kMaxProbes; ++step, place = tables_.ring->After(place)) {
        const size_t index = tables_.ring->Owner(place);
        if (takes(index)) return index;
      }
    }
    return std::nullopt;
  }

  // The bound gives way when nobody is below it.
  template <typename Eligible, typename Fits>
  std::optional<size_t> Rendezvous(uint64_t hash, const Shares& shares, Eligible&& eligible,
                                   Fits&& fits) const {
    std::optional<size_t> best;
    bool best_fits = false;
    double best_score = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares.weights()[i] == 0 || !eligible(i)) continue;
      // In (0, 1], so that its logarithm is a number.
      const double uniform =
          (static_cast<double>(Mix(hash ^ (*tables_.names)[i]) >> 11) + 1) * 0x1p-53;
      const double score = WeightOf(shares, i) / -std::log2(uniform * (1 - 0x1p-53));
      const bool i_fits = fits(i);
      if (best.has_value() && (best_fits > i_fits || (best_fits == i_fits && score <= best_score)))
        continue;
      best = i;
      best_fits = i_fits;
      best_score = score;
    }
    return best;
  }

  const HashTables tables_;
  const double bound_ratio_;
};

}  // namespace lb::dataplane
