#include "controlplane/budget/slot_gifts.h"

#include <algorithm>
#include <utility>

#include "controlplane/budget/fair_shares.h"

namespace lb::controlplane {
namespace {

// Of an even part, what an idle host keeps: one in so many.
constexpr uint64_t kLeastPart = 50;

// It will refuse the next connection, or a few of them.
bool IsShort(const HostNeed& host, uint64_t target, uint64_t least) {
  if (host.rights < static_cast<int64_t>(std::max(least, target / 2))) return true;
  return std::max(host.wanted, host.held) >= static_cast<uint64_t>(host.rights);
}

struct Difference {
  HostId host;
  uint64_t slots;
  bool owed;
};

}  // namespace

uint64_t LeastSlots(uint64_t limit, size_t hosts) {
  if (limit < 2 * hosts) return 0;
  return std::max<uint64_t>(1, limit / (kLeastPart * hosts));
}

std::vector<Gift> PlanGifts(const std::vector<HostNeed>& hosts, HostId self, uint64_t least) {
  int64_t total = 0;
  std::vector<uint64_t> demands;
  for (const HostNeed& host : hosts) {
    total += host.rights;
    demands.push_back(std::max({host.wanted, host.held, least}));
  }
  const std::vector<uint64_t> targets =
      FairShares(static_cast<uint64_t>(std::max<int64_t>(0, total)), demands);
  // A single slot is worth its way where it comes from somebody who does not use it.
  bool any_spare = false;
  for (size_t i = 0; i < hosts.size(); ++i)
    any_spare |= hosts[i].rights > static_cast<int64_t>(std::max(targets[i], demands[i]));
  std::vector<Difference> givers;
  std::vector<Difference> takers;
  for (size_t i = 0; i < hosts.size(); ++i) {
    const int64_t missing = static_cast<int64_t>(targets[i]) - hosts[i].rights;
    if (missing < 0) givers.push_back({hosts[i].host, static_cast<uint64_t>(-missing), false});
    const bool swaps = missing == 1 && !any_spare && hosts[i].rights > static_cast<int64_t>(least);
    if (missing > 0 && !swaps && IsShort(hosts[i], targets[i], least))
      takers.push_back({hosts[i].host, static_cast<uint64_t>(missing), hosts[i].rights < 0});
  }
  std::sort(givers.begin(), givers.end(),
            [](const auto& a, const auto& b) { return a.host < b.host; });
  std::sort(takers.begin(), takers.end(), [](const auto& a, const auto& b) {
    return std::pair(!a.owed, a.host) < std::pair(!b.owed, b.host);
  });
  std::vector<Gift> gifts;
  size_t next = 0;
  for (Difference& giver : givers) {
    while (giver.slots > 0 && next < takers.size()) {
      const uint64_t slots = std::min(giver.slots, takers[next].slots);
      if (giver.host == self) gifts.push_back({takers[next].host, slots});
      giver.slots -= slots;
      takers[next].slots -= slots;
      if (takers[next].slots == 0) ++next;
    }
  }
  return gifts;
}

}  // namespace lb::controlplane
