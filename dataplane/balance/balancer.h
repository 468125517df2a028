// Chooses backends for the connections of one rule, by the rule's algorithm.
//
// Backends are known by their index in the rule's table. Which are in use and with which weights is
// told by Shares; a choice allocates nothing. Deterministic for a seed. Threading: none; each I/O
// thread has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/balance/algorithm.h"
#include "dataplane/balance/client_hash.h"
#include "dataplane/balance/least_loaded.h"
#include "dataplane/balance/shares.h"
#include "dataplane/balance/smooth_wrr.h"
#include "dataplane/balance/two_choices.h"

namespace lb::dataplane {

class Balancer final {
 public:
  struct Options {
    Algorithm algorithm = Algorithm::kWeightedRoundRobin;
    HashTables hash_tables;       // Of the hashes.
    double hash_bound_ratio = 0;  // Of the hashes; 0: no bound.
    uint64_t seed = 0;            // Where the turn starts, and for random choices.
  };

  // `weights` are those of the table. `previous` (nullptr: none) is the balancer of the same rule
  // before: a round robin goes on where it stands, see SmoothWrr::Origins.
  Balancer(const std::vector<uint32_t>& weights, Options options, const Balancer* previous,
           const SmoothWrr::Origins& origins);

  // Puts other weights in force. `shares` has as many backends.
  void Reweigh(const Shares& shares);

  // Returns whose turn it is among the backends in use that are eligible(index), or nullopt. Take()
  // follows when it is used. load(index) is the number of connections of a backend over all
  // threads, total_load() of the whole rule; each is only asked where the algorithm needs it.
  template <typename Load, typename TotalLoad, typename Eligible>
  std::optional<size_t> Next(uint64_t client_hash, const Shares& shares, Load&& load,
                             TotalLoad&& total_load, Eligible&& eligible) {
    switch (algorithm_) {
      case Algorithm::kWeightedRoundRobin:
        return std::get_if<SmoothWrr>(&state_)->Next(eligible);
      case Algorithm::kLeastConnections:
        if constexpr (std::is_same_v<std::remove_cvref_t<Eligible>, AllInUse>)
          return std::get_if<LeastLoaded>(&state_)->Next();
        else
          return std::get_if<LeastLoaded>(&state_)->NextAmong(eligible);
      case Algorithm::kRandomTwoChoices:
        return std::get_if<TwoChoices>(&state_)->Next(load, eligible);
      case Algorithm::kSourceHash:
      case Algorithm::kMaglev:
        return std::get_if<ClientHash>(&state_)->Next(client_hash, shares, load, total_load,
                                                      eligible);
    }
    return std::nullopt;
  }

  // Books that `index`, as Next() said for the same `eligible`, was taken.
  template <typename Eligible>
  void Take(size_t index, Eligible&& eligible) {
    if (auto* round_robin = std::get_if<SmoothWrr>(&state_)) round_robin->Take(index, eligible);
    if (auto* least_loaded = std::get_if<LeastLoaded>(&state_)) least_loaded->Take(index);
  }

  Algorithm algorithm() const { return algorithm_; }
  // nullptr unless the algorithm counts connections itself.
  LeastLoaded* least_loaded() { return std::get_if<LeastLoaded>(&state_); }

 private:
  using State = std::variant<SmoothWrr, LeastLoaded, TwoChoices, ClientHash>;

  static State MakeState(const std::vector<uint32_t>& weights, Options options,
                         const Balancer* previous, const SmoothWrr::Origins& origins);

  const Algorithm algorithm_;
  State state_;
};

}  // namespace lb::dataplane
