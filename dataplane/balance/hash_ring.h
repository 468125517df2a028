// A ring of points over the backends of one rule: a client belongs to the first point at or after
// its own hash. When a backend goes, its clients alone move, and they come back with it.
//
// Source: Karger et al., "Consistent Hashing and Random Trees", STOC 1997; as nginx's
// `hash ... consistent` and HAProxy's `hash-type consistent`. Each backend has kPointsPerWeight
// points for each unit of its weight, whatever the others have, so shares are even to about a
// tenth. With more than kMaxPoints in all, every backend has so many times fewer; then a change of
// weights may move others too. Built on the control thread once for each set of names and weights,
// then only read. Deterministic. Threading: immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lb::dataplane {

class HashRing final {
 public:
  static constexpr uint64_t kPointsPerWeight = 128;
  static constexpr uint64_t kMaxPoints = 1u << 20;  // 10 MiB.

  struct Backend {
    std::string_view name;  // Only read while building.
    uint32_t weight = 1;    // 0: has no point.
  };

  // At least one backend has a weight; at most 65,536 have.
  explicit HashRing(const std::vector<Backend>& backends);

  // The place on the ring of a client's hash.
  size_t Find(uint64_t hash) const {
    const auto position = static_cast<uint32_t>(hash >> 32);
    size_t i = first_[position >> shift_];
    while (i < positions_.size() && positions_[i] < position) ++i;
    return i < positions_.size() ? i : 0;
  }
  // The place after it.
  size_t After(size_t place) const { return place + 1 < owners_.size() ? place + 1 : 0; }
  // Whose place it is, as an index in `backends`.
  size_t Owner(size_t place) const { return owners_[place]; }
  size_t points() const { return owners_.size(); }

 private:
  std::vector<uint32_t> positions_;  // Sorted.
  std::vector<uint16_t> owners_;     // Of each position.
  // The first point at or after each multiple of 2^shift: about one point lies between two.
  std::vector<uint32_t> first_;
  int shift_ = 0;
};

}  // namespace lb::dataplane
