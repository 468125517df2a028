// How a rule chooses backends, as the configuration says it. Plain values; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lb::controlplane {

struct BalanceConfig {
  enum class Algorithm {
    kWeightedRoundRobin,
    kLeastConnections,
    kRandomTwoChoices,
    kSourceHash,
    kMaglev,
  };

  Algorithm algorithm = Algorithm::kWeightedRoundRobin;
  std::optional<uint32_t> hash_balance_percent;  // Of the hashes only; absent: no bound.
  uint32_t panic_threshold_percent = 0;          // 0: never.
  std::chrono::milliseconds slow_start{0};       // 0: the full share at once.

  // True when clients are sent by their address.
  bool hashes() const {
    return algorithm == Algorithm::kSourceHash || algorithm == Algorithm::kMaglev;
  }

  friend bool operator==(const BalanceConfig&, const BalanceConfig&) = default;
};

// The name of an algorithm as the configuration writes it.
const char* ToString(BalanceConfig::Algorithm algorithm);

// The algorithm of that name, or nullopt.
std::optional<BalanceConfig::Algorithm> ParseAlgorithm(std::string_view name);

}  // namespace lb::controlplane
