// A seeded generator that gives the same numbers on every machine and in every build.
//
// Source: SplitMix64, Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
// OOPSLA 2014. Not for secrets. Threading: none.
#pragma once

#include <cstdint>

#include "base/check.h"

namespace lb {

class Prng final {
 public:
  explicit Prng(uint64_t seed) : state_(seed) {}

  // Returns 64 uniform bits.
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Returns a number from 0 to bound - 1 (bound >= 1). Source: Lemire, "Fast random integer
  // generation in an interval", 2019, without the rejection step: the bias is below bound / 2^64.
  uint64_t Below(uint64_t bound) {
    LB_CHECK(bound >= 1);
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
  }

  // Returns true in `numerator` of `denominator` cases.
  bool Chance(uint64_t numerator, uint64_t denominator) { return Below(denominator) < numerator; }

 private:
  uint64_t state_;
};

}  // namespace lb
