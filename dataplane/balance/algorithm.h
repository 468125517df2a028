// The ways to choose a backend. Threading: none.
#pragma once

#include <cstdint>

namespace lb::dataplane {

enum class Algorithm : uint8_t {
  kWeightedRoundRobin,  // smooth_wrr.h
  kLeastConnections,    // least_loaded.h
  kRandomTwoChoices,    // two_choices.h
  kSourceHash,          // hash_ring.h
  kMaglev,              // maglev.h
};

// True for those that send a client by its address.
constexpr bool HashesClient(Algorithm algorithm) {
  return algorithm == Algorithm::kSourceHash || algorithm == Algorithm::kMaglev;
}

}  // namespace lb::dataplane
