#include "dataplane/balance/least_of.h"

#include <array>
#include <cstring>

namespace lb::dataplane {
namespace {

// A vector of the compiler (GCC, "Vector Extensions"): one register on every machine of today.
constexpr size_t kLanes = 2;
typedef double Lanes __attribute__((vector_size(kLanes * sizeof(double))));

constexpr size_t kAtOnce = 4;  // Vectors compared side by side, so that none waits for another.
constexpr size_t kStep = kAtOnce * kLanes;
constexpr size_t kBlock = 2 * kStep;

size_t Padded(size_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

Lanes Load(const double* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

Lanes Min(Lanes a, Lanes b) { return a < b ? a : b; }

// Of `count` numbers, a multiple of kStep and not 0.
double LeastAmong(const double* values, size_t count) {
  std::array<Lanes, kAtOnce> least;
  for (size_t j = 0; j < kAtOnce; ++j) least[j] = Load(values + j * kLanes);
  for (size_t i = kStep; i < count; i += kStep) {
    for (size_t j = 0; j < kAtOnce; ++j) least[j] = Min(least[j], Load(values + i + j * kLanes));
  }
  const Lanes all = Min(Min(least[0], least[1]), Min(least[2], least[3]));
  return all[0] < all[1] ? all[0] : all[1];
}

}  // namespace

LeastOf::LeastOf(size_t size)
    : size_(size),
      values_(Padded(size), kNever),
      blocks_(Padded(values_.size() / kBlock), kNever) {}

void LeastOf::Set(size_t index, double value) {
  values_[index] = value;
  const size_t block = index / kBlock;
  blocks_[block] = LeastAmong(&values_[block * kBlock], kBlock);
}

std::optional<size_t> LeastOf::Find(size_t start) const {
  if (size_ == 0) return std::nullopt;
  const double least = LeastAmong(blocks_.data(), blocks_.size());
  if (least == kNever) return std::nullopt;
  const size_t end_of_block = (start / kBlock + 1) * kBlock;
  for (size_t i = start; i < end_of_block; ++i) {
    if (values_[i] == least) return i;
  }
  const size_t blocks = values_.size() / kBlock;
  const auto after = FindInBlocks(start / kBlock + 1, blocks, least);
  return after.has_value() ? after : FindInBlocks(0, start / kBlock + 1, least);
}

std::optional<size_t> LeastOf::FindInBlocks(size_t begin, size_t end, double least) const {
  for (size_t block = begin; block < end; ++block) {
    if (blocks_[block] != least) continue;
    size_t i = block * kBlock;
    while (values_[i] != least) ++i;
    return i;
  }
  return std::nullopt;
}

}  // namespace lb::dataplane
