#include "dataplane/balance/balancer.h"

namespace lb::dataplane {

Balancer::State Balancer::MakeState(const std::vector<uint32_t>& weights, Options options,
                                    const Balancer* previous, const SmoothWrr::Origins& origins) {
  switch (options.algorithm) {
    case Algorithm::kLeastConnections:
      return State(std::in_place_type<LeastLoaded>, weights.size(), options.seed);
    case Algorithm::kRandomTwoChoices:
      return State(std::in_place_type<TwoChoices>, weights.size(), options.seed);
    case Algorithm::kSourceHash:
    case Algorithm::kMaglev:
      return State(std::in_place_type<ClientHash>, std::move(options.hash_tables),
                   options.hash_bound_ratio);
    case Algorithm::kWeightedRoundRobin:
      break;
  }
  const SmoothWrr* before =
      previous == nullptr ? nullptr : std::get_if<SmoothWrr>(&previous->state_);
  return before == nullptr
             ? State(std::in_place_type<SmoothWrr>, weights, options.seed)
             : State(std::in_place_type<SmoothWrr>, weights, *before, origins, options.seed);
}

Balancer::Balancer(const std::vector<uint32_t>& weights, Options options, const Balancer* previous,
                   const SmoothWrr::Origins& origins)
    : algorithm_(options.algorithm),
      state_(MakeState(weights, std::move(options), previous, origins)) {}

void Balancer::Reweigh(const Shares& shares) {
  if (auto* round_robin = std::get_if<SmoothWrr>(&state_)) round_robin->Reweigh(shares.weights());
  if (auto* least_loaded = std::get_if<LeastLoaded>(&state_))
    least_loaded->Reweigh(shares.weights());
  if (auto* two_choices = std::get_if<TwoChoices>(&state_)) two_choices->Reweigh(shares.weights());
}

}  // namespace lb::dataplane
