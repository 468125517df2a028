#include "tests/sim/swim_network.h"

#include <algorithm>

namespace lb::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr microseconds kLeastDelay{500};
constexpr microseconds kDelaySpread{1'000};
constexpr seconds kSynRetry{1};
constexpr int kSynRetries = 3;
constexpr milliseconds kSegmentRetry{200};
constexpr int kSegmentRetries = 8;

}  // namespace

SwimNetwork::SwimNetwork(size_t members, Faults faults, uint64_t seed)
    : faults_(faults), prng_(seed), part_(members), down_(members), held_until_(members) {}

Duration SwimNetwork::Delay() {
  const auto in = [this](Duration most) {
    return most.count() == 0
               ? Duration()
               : Duration(static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(most.count()))));
  };
  return kLeastDelay + in(kDelaySpread) + in(faults_.late);
}

Instant SwimNetwork::Held(size_t from, size_t to, Instant now) const {
  return std::max({now, held_until_[from], held_until_[to]});
}

bool SwimNetwork::has_faults() const {
  const bool split =
      std::adjacent_find(part_.begin(), part_.end(), std::not_equal_to<>()) != part_.end();
  return split || faults_.loss > 0 || faults_.duplicate > 0 || faults_.late.count() > 0;
}

std::vector<Instant> SwimNetwork::Packet(size_t from, size_t to, Instant now) {
  std::vector<Instant> arrivals;
  if (!Reaches(from, to)) return arrivals;
  const bool twice = prng_.Below(1'000'000) < static_cast<uint64_t>(faults_.duplicate * 1e6);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy)
    if (!Lost()) arrivals.push_back(Held(from, to, now) + Delay());
  return arrivals;
}

Instant SwimNetwork::Connect(size_t from, size_t to, Instant now) {
  if (!Reaches(from, to)) return Instant::max();
  Duration wait{};
  for (int tries = 0; tries <= kSynRetries; ++tries) {
    const bool lost = Lost() || Lost();
    if (!lost) return Segment(from, to, Held(from, to, now + wait) + Delay() + Delay());
    wait += kSynRetry * (1 << tries);
  }
  return Instant::max();
}

Instant SwimNetwork::Segment(size_t from, size_t to, Instant now) {
  if (!Reaches(from, to)) return Instant::max();
  Duration wait{};
  for (int tries = 0; tries <= kSegmentRetries; ++tries) {
    if (!Lost()) return Held(from, to, now + wait) + Delay();
    wait += kSegmentRetry * (1 << tries);
  }
  return Instant::max();
}

}  // namespace lb::sim
