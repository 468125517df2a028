// What a host makes of the slots that all share: how many there are to be, whose they are, and who
// should have them. The other half of SlotExchange.
#include <algorithm>
#include <iterator>

#include "controlplane/budget/slot_exchange.h"

namespace lb::controlplane {
namespace {

// A host may have begun to tell of a limit before it knew of it here.
constexpr std::chrono::milliseconds kTellMargin{500};

uint64_t NetMinted(const SlotRow& row) { return row.minted - std::min(row.minted, row.unminted); }

uint64_t Positive(int64_t number) { return static_cast<uint64_t>(std::max<int64_t>(0, number)); }

}  // namespace

void SlotExchange::Plan(SlotLedger& ledger, Instant now) {
  for (const BackendKey& key : std::exchange(unshared_, {})) ledger.SetRights(key, std::nullopt);
  if (!on()) {
    for (const auto& [id, limit] : limits_)
      if (limit.slots != 0) ledger.SetRights(limit.key, std::nullopt);
    return;
  }
  roster_->Drop(now);
  const SlotRoster::Side side = roster_->Look(now);
  for (const auto& [key, slots] : beyond_) ledger.SetRights(key, slots / side.expected);
  for (auto it = limits_.begin(); it != limits_.end();) {
    Limit& limit = it->second;
    if (limit.slots != 0) {
      NoteNeed(it->first, limit, ledger, now);
      PlanOne(limit, side, ledger, now);
    } else if (ledger.TotalExposure(limit.key) == 0 && now >= limit.since + kMissingWait) {
      changed_ = true;
      it = limits_.erase(it);
      continue;
    }
    ++it;
  }
}

void SlotExchange::NoteNeed(LimitId id, Limit& limit, const SlotLedger& ledger, Instant now) {
  const SlotLedger::Use use = ledger.UseOf(limit.key, now);
  limit.need = {limit.slots, use.held, use.wanted};
  const bool is_short = static_cast<int64_t>(std::max(use.held, use.wanted)) >=
                        limit.rights.RightsOf(roster_->self());
  const uint64_t step = std::max<uint64_t>(1, limit.slots / 20);
  const uint64_t told = limit.told_need.wanted;
  const bool differs = use.wanted > told + step || told > use.wanted + step;
  if (std::exchange(limit.told_short, is_short) != is_short || differs) news_.insert(id);
}

// Those of the side that have this limit too, by name.
std::vector<HostId> SlotExchange::PartiesTo(const Limit& limit, const SlotRoster::Side& side,
                                            Instant now) const {
  std::vector<HostId> out;
  for (const HostId host : side.hosts) {
    const auto it = limit.others.find(host);
    const bool tells = it != limit.others.end() && now < it->second.at + SlotRoster::kHeardFor;
    if (host == roster_->self() || tells) out.push_back(host);
  }
  return out;
}

// While hosts do not have the same configuration yet, the lower limit holds.
uint64_t SlotExchange::LowestLimit(const Limit& limit, const std::vector<HostId>& parties) const {
  uint64_t lowest = limit.slots;
  for (const HostId host : parties)
    if (const auto it = limit.others.find(host); it != limit.others.end())
      lowest = std::min(lowest, it->second.need.limit);
  return lowest;
}

// Whether all that are heard have told all they know since this host has the limit.
bool SlotExchange::HaveTold(const Limit& limit, const SlotRoster::Side& side) const {
  return std::all_of(side.hosts.begin(), side.hosts.end(), [&](HostId host) {
    if (host == roster_->self()) return true;
    const auto it = rounds_.find(host);
    return it != rounds_.end() && it->second.complete_since &&
           *it->second.complete_since >= limit.since + kTellMargin;
  });
}

// Whether what is known here is not older than what the others know: after a restart they may have
// taken what this host had.
bool SlotExchange::IsSettled(const Limit& limit, const SlotRoster::Side& side, Instant now) const {
  if (side.hosts.size() == 1) return side.whole() || now >= limit.since + kMissingWait;
  return std::all_of(side.hosts.begin(), side.hosts.end(), [&](HostId host) {
    const auto it = rounds_.find(host);
    return host == roster_->self() || (it != rounds_.end() && it->second.complete_since);
  });
}

// What each host makes for itself: an even part, what cannot be divided to the first by name, if
// all are known. So hosts that do not hear each other make no more than the limit together.
uint64_t SlotExchange::PartOf(HostId host, const SlotRoster::Side& side, uint64_t slots) {
  const uint64_t even = slots / side.expected;
  if (side.known.size() < side.expected) return even;
  const auto at = std::find(side.known.begin(), side.known.end(), host);
  const auto rank = static_cast<uint64_t>(at - side.known.begin());
  return even + (rank < slots % side.expected ? 1 : 0);
}

uint64_t SlotExchange::Made(const Limit& limit, HostId host) {
  const auto row = limit.rights.rows().find(host);
  return row == limit.rights.rows().end() ? 0 : NetMinted(row->second);
}

// Makes this host's part, as far as the limit has room for it, when all that are not heard, and all
// before it, have made theirs.
void SlotExchange::MakeUp(Limit& limit, const SlotRoster::Side& side, uint64_t slots, Instant now) {
  const HostId self = roster_->self();
  const uint64_t part = PartOf(self, side, slots);
  const uint64_t own = Made(limit, self);
  if (own >= part || !HaveTold(limit, side)) return;
  if (!side.whole() && now < limit.since + kMissingWait) return;
  const std::set<HostId> heard(side.hosts.begin(), side.hosts.end());
  uint64_t taken = Positive(limit.rights.total()) +
                   (side.expected - side.known.size()) * (slots / side.expected);
  bool before = true;
  for (const HostId host : side.known) {
    before &= host != self;
    const uint64_t theirs = PartOf(host, side, slots);
    if (host != self && (before || !heard.contains(host)))
      taken += theirs - std::min(theirs, Made(limit, host));
  }
  const uint64_t slots_left = slots - std::min(slots, taken);
  if (slots_left == 0) return;
  limit.rights.Mint(self, std::min(part - own, slots_left));
  Touch(IdOfLimit(limit.key));
}

// Takes out what is above this host's part while there is too much.
void SlotExchange::Unmake(Limit& limit, const SlotRoster::Side& side, uint64_t slots) {
  const uint64_t made = Positive(limit.rights.total());
  if (made <= slots || !HaveTold(limit, side)) return;
  const uint64_t part = PartOf(roster_->self(), side, slots);
  const uint64_t own = Made(limit, roster_->self());
  if (own <= part) return;
  limit.rights.Unmint(roster_->self(), std::min(own - part, made - slots));
  Touch(IdOfLimit(limit.key));
}

void SlotExchange::TakeFromGone(Limit& limit, const SlotRoster::Side& side, bool first,
                                Instant now) {
  if (!side.majority || !HaveTold(limit, side)) return;
  std::vector<HostId> gone;
  for (const auto& [host, rights] : limit.rights.rights())
    if (rights > 0 && roster_->IsGone(host, now) && (first || roster_->IsForgotten(host)))
      gone.push_back(host);
  for (const HostId host : gone) limit.rights.Seize(roster_->self(), host);
  if (!gone.empty()) Touch(IdOfLimit(limit.key));
}

// In the order in which they come to a slot that cannot be divided: who got the fewest so far is
// the last. But one that has any, and not for long, stays the last, so that no slot is on its way
// all the time.
std::vector<HostNeed> SlotExchange::NeedsOf(const Limit& limit, const std::vector<HostId>& parties,
                                            Instant now) const {
  std::map<HostId, uint64_t> received;
  for (const auto& [host, row] : limit.rights.rows())
    for (const auto& [to, slots] : row.given) received[to] += slots;
  std::vector<HostNeed> out;
  for (const HostId host : parties) {
    const bool self = host == roster_->self();
    const ToldNeed& need = self ? limit.need : limit.others.at(host).need;
    out.push_back({host, limit.rights.RightsOf(host), need.held, need.wanted});
  }
  const bool keeps = now < limit.gained_at + kTurn;
  const auto rank = [&](const HostNeed& need) {
    if (need.host != roster_->self()) return std::pair(1, ~received[need.host]);
    return std::pair(keeps ? 2 : 0, uint64_t{0});
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const HostNeed& a, const HostNeed& b) { return rank(a) < rank(b); });
  return out;
}

void SlotExchange::PlanOne(Limit& limit, const SlotRoster::Side& side, SlotLedger& ledger,
                           Instant now) {
  const HostId self = roster_->self();
  const std::vector<HostId> parties = PartiesTo(limit, side, now);
  const bool first = parties.front() == self;
  const uint64_t slots = LowestLimit(limit, parties);
  Unmake(limit, side, slots);
  TakeFromGone(limit, side, first, now);
  MakeUp(limit, side, slots, now);
  const std::vector<HostNeed> needs = NeedsOf(limit, parties, now);
  limit.gifts = PlanGifts(needs, self, LeastSlots(slots, parties.size()));
  if (first)  // Nobody else pays what one owes that is gone.
    for (const auto& [host, rights] : limit.rights.rights())
      if (rights < 0 && roster_->IsGone(host, now))
        limit.gifts.push_back({host, static_cast<uint64_t>(-rights)});
  limit.settled = limit.settled || IsSettled(limit, side, now);
  const uint64_t usable = Usable(limit, side, needs, slots, now);
  ledger.SetRights(limit.key,
                   limit.settled ? usable : std::min(usable, ledger.TotalExposure(limit.key)));
}

uint64_t SlotExchange::Usable(const Limit& limit, const SlotRoster::Side& side,
                              const std::vector<HostNeed>& needs, uint64_t slots,
                              Instant now) const {
  uint64_t usable = Positive(limit.rights.RightsOf(roster_->self()));
  for (const Gift& gift : limit.gifts) usable -= std::min(usable, gift.slots);
  const bool alone = settings_.local && !side.whole() && now >= limit.since + kMissingWait;
  if (!alone) return usable;
  uint64_t here = 0;
  for (const HostNeed& need : needs) here += Positive(need.rights);
  return usable + (slots - std::min(slots, here)) / needs.size();
}

void SlotExchange::Give(const SlotLedger& ledger) {
  if (!on()) return;
  const HostId self = roster_->self();
  for (auto& [id, limit] : limits_) {
    const std::vector<Gift> gifts = std::exchange(limit.gifts, {});
    if (gifts.empty()) continue;
    uint64_t free = Positive(limit.rights.RightsOf(self));
    free -= std::min(free, ledger.TotalExposure(limit.key));
    for (const Gift& gift : gifts) {
      const uint64_t slots = std::min(free, gift.slots);
      if (slots == 0) break;
      limit.rights.Give(self, gift.to, slots);
      free -= slots;
      Touch(id);
    }
  }
}

std::optional<SlotExchange::Share> SlotExchange::Look(const BackendKey& key) const {
  const auto it = limits_.find(IdOfLimit(key));
  if (!on() || it == limits_.end() || it->second.slots == 0) return std::nullopt;
  const Limit& limit = it->second;
  Share share{.limit = limit.slots,
              .rights = limit.rights.RightsOf(roster_->self()),
              .made = limit.rights.total(),
              .hosts = {}};
  share.hosts.push_back({*name_, share.rights, limit.need, std::nullopt});
  std::set<HostId> others;
  for (const auto& [host, told] : limit.others) others.insert(host);
  for (const auto& [host, rights] : limit.rights.rights())
    if (rights != 0) others.insert(host);
  others.erase(roster_->self());
  for (const HostId host : others) {
    Share::Host& one = share.hosts.emplace_back();
    one.name = roster_->NameOf(host);
    one.rights = limit.rights.RightsOf(host);
    if (const auto told = limit.others.find(host); told != limit.others.end()) {
      one.need = told->second.need;
      one.heard_at = told->second.at;
    }
  }
  std::sort(share.hosts.begin(), share.hosts.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return share;
}

std::vector<BackendKey> SlotExchange::Shared() const {
  std::vector<BackendKey> keys;
  for (const auto& [id, limit] : limits_)
    if (on() && limit.slots != 0) keys.push_back(limit.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace lb::controlplane
