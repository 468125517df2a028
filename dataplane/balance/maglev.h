// Maglev's lookup table over the backends of one rule: every client hash has its backend, shares
// are even to one entry, and when a backend goes few other clients move.
//
// Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
// 3.4: each backend has a permutation of the table from two hashes of its name and in turn claims
// its next free entry. By weight, a backend has its turn in every (largest weight / weight)-th
// round. Built on the control thread once for each set of names and weights, then only read.
// Deterministic. Threading: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/balance/hashing.h"

namespace lb::dataplane {

class Maglev final {
 public:
  static constexpr size_t kEntries = 65'537;  // The paper's; a prime, as permutations need it.

  struct Backend {
    std::string_view name;  // Only read while building.
    uint32_t weight = 1;    // 0: has no entry.
  };

  // At least one backend has a weight; at most kEntries - 1 have.
  explicit Maglev(const std::vector<Backend>& backends);

  // The backend that the hash is sent to, as an index in `backends`. With an `attempt` above 0:
  // another draw of the same shares, for those whose backend cannot take them.
  size_t At(uint64_t hash, uint32_t attempt = 0) const {
    if (attempt > 0) hash = Mix(hash + attempt);
    return entries_[Reduce(hash, kEntries)];
  }

  const std::vector<uint16_t>& entries() const { return entries_; }

 private:
  std::vector<uint16_t> entries_;
};

}  // namespace lb::dataplane
