#include "dataplane/balance/maglev.h"

#include <algorithm>

#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr uint32_t kNobody = UINT32_MAX;

// The permutation of one backend: its place in it, and when its next turn is.
struct Claimant {
  uint32_t index;
  uint32_t weight;
  uint32_t place;
  uint32_t skip;
  uint64_t turns = 0;
  uint32_t next_in_round = kNobody;
};

// Who has a turn in each round; a round is a list through the claimants.
class Rounds final {
 public:
  Rounds(std::vector<Claimant>& claimants, uint32_t largest_weight)
      : claimants_(claimants), largest_weight_(largest_weight), first_(Maglev::kEntries, kNobody) {
    for (uint32_t i = 0; i < claimants_.size(); ++i) Enter(i);
  }

  // Those of a round, in order of their names. Calls come with growing rounds.
  const std::vector<uint32_t>& Of(size_t round) {
    turn_.clear();
    for (uint32_t i = first_[round]; i != kNobody; i = claimants_[i].next_in_round)
      turn_.push_back(i);
    std::sort(turn_.begin(), turn_.end());
    return turn_;
  }

  // Gives a claimant its next turn. Each is in one round at most.
  void Enter(uint32_t i) {
    Claimant& claimant = claimants_[i];
    const uint64_t round = claimant.turns++ * largest_weight_ / claimant.weight;
    if (round >= first_.size()) return;  // The table is full by then.
    claimant.next_in_round = first_[round];
    first_[round] = i;
  }

 private:
  std::vector<Claimant>& claimants_;
  const uint64_t largest_weight_;
  std::vector<uint32_t> first_;
  std::vector<uint32_t> turn_;
};

std::vector<Claimant> ClaimantsOf(const std::vector<Maglev::Backend>& backends) {
  std::vector<Claimant> claimants;
  for (size_t i = 0; i < backends.size(); ++i) {
    const Maglev::Backend& backend = backends[i];
    if (backend.weight == 0) continue;
    const uint64_t offset = HashOfName(backend.name, kMaglevOffsetSalt) % Maglev::kEntries;
    const uint64_t skip = HashOfName(backend.name, kMaglevSkipSalt) % (Maglev::kEntries - 1) + 1;
    claimants.push_back({.index = static_cast<uint32_t>(i),
                         .weight = backend.weight,
                         .place = static_cast<uint32_t>(offset),
                         .skip = static_cast<uint32_t>(skip)});
  }
  return claimants;
}

}  // namespace

Maglev::Maglev(const std::vector<Backend>& backends) : entries_(kEntries) {
  std::vector<Claimant> claimants = ClaimantsOf(backends);
  LB_CHECK(!claimants.empty() && backends.size() < kEntries);
  uint32_t largest = 0;
  for (const Claimant& claimant : claimants) largest = std::max(largest, claimant.weight);
  Rounds rounds(claimants, largest);
  std::vector<bool> taken(kEntries, false);
  size_t filled = 0;
  for (size_t round = 0; filled < kEntries; ++round) {
    for (const uint32_t i : rounds.Of(round)) {
      Claimant& claimant = claimants[i];
      while (taken[claimant.place])
        claimant.place = (claimant.place + claimant.skip) % static_cast<uint32_t>(kEntries);
      taken[claimant.place] = true;
      entries_[claimant.place] = static_cast<uint16_t>(claimant.index);
      if (++filled == kEntries) return;
      rounds.Enter(i);
    }
  }
}

}  // namespace lb::dataplane
