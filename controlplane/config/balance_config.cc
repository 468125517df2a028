#include "controlplane/config/balance_config.h"

#include <array>

#include "base/check.h"

namespace lb::controlplane {
namespace {

using Algorithm = BalanceConfig::Algorithm;

constexpr std::array kAlgorithms = {Algorithm::kWeightedRoundRobin, Algorithm::kLeastConnections,
                                    Algorithm::kRandomTwoChoices, Algorithm::kSourceHash,
                                    Algorithm::kMaglev};

}  // namespace

const char* ToString(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kWeightedRoundRobin:
      return "weighted_round_robin";
    case Algorithm::kLeastConnections:
      return "least_connections";
    case Algorithm::kRandomTwoChoices:
      return "random_two_choices";
    case Algorithm::kSourceHash:
      return "source_hash";
    case Algorithm::kMaglev:
      return "maglev";
  }
  LB_CHECK(false);
}

std::optional<Algorithm> ParseAlgorithm(std::string_view name) {
  for (const Algorithm algorithm : kAlgorithms) {
    if (ToString(algorithm) == name) return algorithm;
  }
  return std::nullopt;
}

}  // namespace lb::controlplane
