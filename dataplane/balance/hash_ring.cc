#include "dataplane/balance/hash_ring.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "dataplane/balance/hashing.h"

namespace lb::dataplane {
namespace {

struct Point {
  uint32_t position;
  uint16_t owner;

  friend auto operator<=>(const Point&, const Point&) = default;
};

// How many points a backend of this weight has.
uint64_t PointsOf(uint64_t weight, uint64_t total_weight) {
  if (weight == 0) return 0;
  if (total_weight * HashRing::kPointsPerWeight <= HashRing::kMaxPoints)
    return weight * HashRing::kPointsPerWeight;
  return std::max<uint64_t>(1, weight * HashRing::kMaxPoints / total_weight);
}

}  // namespace

HashRing::HashRing(const std::vector<Backend>& backends) {
  uint64_t total_weight = 0;
  for (const Backend& backend : backends) total_weight += backend.weight;
  LB_CHECK(total_weight > 0 && backends.size() <= UINT16_MAX + size_t{1});
  std::vector<Point> points;
  for (size_t i = 0; i < backends.size(); ++i) {
    const uint64_t name = HashOfName(backends[i].name, kRingSalt);
    const uint64_t count = PointsOf(backends[i].weight, total_weight);
    for (uint64_t p = 0; p < count; ++p)
      points.push_back({static_cast<uint32_t>(Mix(name + p) >> 32), static_cast<uint16_t>(i)});
  }
  std::sort(points.begin(), points.end());
  positions_.reserve(points.size());
  owners_.reserve(points.size());
  for (const Point& point : points) {
    positions_.push_back(point.position);
    owners_.push_back(point.owner);
  }
  const int bits = static_cast<int>(std::bit_width(points.size() - 1));
  shift_ = 32 - std::clamp(bits, 1, 31);
  first_.reserve(size_t{1} << (32 - shift_));
  size_t next = 0;
  for (uint64_t begin = 0; begin <= UINT32_MAX; begin += uint64_t{1} << shift_) {
    while (next < positions_.size() && positions_[next] < begin) ++next;
    first_.push_back(static_cast<uint32_t>(next));
  }
}

}  // namespace lb::dataplane
