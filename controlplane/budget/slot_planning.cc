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

// Other hosts, or a second went by: then time itself may have changed what is right.
bool SlotExchange::AllAreDue(const SlotRoster::Side& side, Instant now) {
  if (now < plan_all_at_ && side == planned_) return false;
  plan_all_at_ = now + kRoundEvery;
  planned_ = side;
  return true;
}

void SlotExchange::NoteSide(const SlotRoster::Side& side, Instant now) {
  if (side == seen_) return;
  seen_ = side;
  seen_since_ = now;
}

// Whether all that is in use of any limit is known here, but for what was told just now.
bool SlotExchange::IsSure(Instant now) const {
  if (!on() || !seen_.whole() || seen_ != roster_->Look(now)) return false;
  if (foreign_missed_at_ && now < *foreign_missed_at_ + kKeepUnused) return false;
  return std::all_of(seen_.hosts.begin(), seen_.hosts.end(), [&](HostId host) {
    if (host == roster_->self()) return true;
    const auto it = rounds_.find(host);
    return it != rounds_.end() && it->second.complete_since >= seen_since_ + kSureAfter &&
           now <= *it->second.complete_since + kToldLately;
  });
}

// A limit that is new here: takes what others told of it before.
void SlotExchange::Adopt(LimitId id, Limit& limit, bool sure, Instant now) {
  limit.at_once = sure;
  const auto at = foreign_.find(id);
  if (at == foreign_.end()) return;
  const Instant since = at->second.since;
  limit.at_once = sure && since >= seen_since_ + kSureAfter && now < since + kNewFor;
  limit.rights = std::move(at->second.rights);
  foreign_.erase(at);
}

void SlotExchange::NoteForeign(HostId sender, const ToldSlots& told, Instant now) {
  if (settings_.open && told.host != sender) return;
  if (!foreign_.contains(told.limit) && foreign_.size() >= kMaxLimits) {
    foreign_missed_at_ = now;
    return;
  }
  const auto [at, is_new] = foreign_.try_emplace(told.limit);
  if (is_new) at->second.since = now;
  at->second.told_at = now;
  at->second.rights.Merge(told.host, told.row);
}

void SlotExchange::DropForeign(Instant now) {
  std::erase_if(foreign_, [&](const auto& one) { return now >= one.second.told_at + kKeepUnused; });
}

void SlotExchange::Plan(SlotLedger& ledger, Instant now) {
  for (const BackendKey& key : std::exchange(unshared_, {})) ledger.SetRights(key, std::nullopt);
  if (now < plan_at_) return;
  plan_at_ = now + kPlanEvery;
  if (!on()) {
    for (const auto& [id, limit] : limits_)
      if (limit.slots != 0) ledger.SetRights(limit.key, std::nullopt);
    for (const auto& [key, slots] : beyond_) ledger.SetRights(key, std::nullopt);
    return;
  }
  roster_->Drop(now);
  const SlotRoster::Side side = roster_->Look(now);
  NoteSide(side, now);
  const bool all = AllAreDue(side, now);
  if (all) DropForeign(now);
  for (const auto& [key, slots] : beyond_)
    ledger.SetRights(key, std::max<uint64_t>(1, slots / side.expected));
  for (auto it = limits_.begin(); it != limits_.end();) {
    Limit& limit = it->second;
    if (limit.slots != 0) {
      NoteNeed(it->first, limit, ledger, now);
      if (all || std::exchange(limit.due, false)) PlanOne(limit, side, ledger, now);
    } else if ((now >= limit.since + kKeepUnused || limits_.size() > kMaxLimits) &&
               ledger.TotalExposure(limit.key) == 0) {
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
  if (std::exchange(limit.told_short, is_short) == is_short && !differs) return;
  news_.insert(id);
  limit.due = true;
}

// Whether a host has this limit too: it said so, and told nothing whole since that left it out.
bool SlotExchange::IsParty(const Limit& limit, HostId host) const {
  if (host == roster_->self()) return true;
  const auto told = limit.others.find(host);
  if (told == limit.others.end()) return false;
  const auto round = rounds_.find(host);
  return round == rounds_.end() || round->second.complete_number <= told->second.round + 1;
}

// The hosts as this limit sees them: of those that are heard, the ones that have it.
SlotRoster::Side SlotExchange::SideOf(const Limit& limit, SlotRoster::Side side,
                                      Instant now) const {
  const bool late = now < limit.since + kRolloutWait;
  std::set<HostId> without;
  for (const HostId host : side.hosts)
    if (!IsParty(limit, host)) without.insert(host);
  std::erase_if(side.hosts, [&](HostId host) { return without.contains(host); });
  if (late) return side;
  std::erase_if(side.known, [&](HostId host) { return without.contains(host); });
  side.expected -= without.size();
  return side;
}

// While hosts do not have the same configuration yet, the lower limit holds.
uint64_t SlotExchange::LowestLimit(const Limit& limit, const SlotRoster::Side& side) const {
  uint64_t lowest = limit.slots;
  for (const HostId host : side.hosts)
    if (const auto it = limit.others.find(host); it != limit.others.end())
      lowest = std::min(lowest, it->second.need.limit);
  return lowest;
}

// Whether all that are heard have told all they know of it since this host has the limit.
bool SlotExchange::HaveTold(const Limit& limit, const SlotRoster::Side& side) const {
  const Instant since = limit.since + kTellMargin;
  return std::all_of(side.hosts.begin(), side.hosts.end(), [&](HostId host) {
    if (host == roster_->self()) return true;
    const auto told = limit.others.find(host);
    if (told != limit.others.end() && told->second.complete_at >= since) return true;
    const auto it = rounds_.find(host);
    return it != rounds_.end() && it->second.complete_since >= since;
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

// Makes an even part before others told of the limit: all hosts do so alike, and none has made
// more, so that there is room for the even parts of all.
void SlotExchange::MakeAtOnce(Limit& limit, const SlotRoster::Side& all) {
  const HostId self = roster_->self();
  const uint64_t even = limit.slots / all.expected;
  const uint64_t own = Made(limit, self);
  if (!all.whole() || own >= even || limit.rights.full()) return;
  uint64_t taken = Positive(limit.rights.total());
  for (const HostId host : all.known)
    if (host != self) taken += even - std::min(even, Made(limit, host));
  const uint64_t slots_left = limit.slots - std::min(limit.slots, taken);
  if (slots_left == 0) return;
  limit.rights.Mint(self, std::min(even - own, slots_left));
  Touch(limit);
}

// Makes this host's part, as far as the limit has room for it, when all that are not heard, and all
// before it, have made theirs.
void SlotExchange::MakeUp(Limit& limit, const SlotRoster::Side& side, uint64_t slots, Instant now) {
  const HostId self = roster_->self();
  const uint64_t part = PartOf(self, side, slots);
  const uint64_t own = Made(limit, self);
  if (own >= part || limit.rights.full() || !HaveTold(limit, side)) return;
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
  Touch(limit);
}

// Takes out what is above this host's part while there is too much; the first by name, of its own,
// also what hosts made that are no more.
void SlotExchange::Unmake(Limit& limit, const SlotRoster::Side& side, bool first, uint64_t slots) {
  const uint64_t made = Positive(limit.rights.total());
  if (made <= slots || !HaveTold(limit, side)) return;
  const HostId self = roster_->self();
  const uint64_t surplus = made - slots;
  const auto above = [&](HostId host) {
    const uint64_t theirs = Made(limit, host);
    return theirs - std::min(theirs, PartOf(host, side, slots));
  };
  uint64_t mine = std::min(above(self), surplus);
  if (mine == 0 && first && side.majority) {
    uint64_t others = 0;
    for (const HostId host : side.known) others += above(host);
    mine = surplus - std::min(surplus, others);
  }
  if (mine == 0) return;
  limit.rights.Unmint(self, mine);
  Touch(limit);
}

// One host alone may do it: the first of all that there should be, heard or not. Of two that do not
// hear each other, while others hear both, each is the first of its side, and has the majority.
void SlotExchange::TakeFromGone(Limit& limit, const SlotRoster::Side& side, Instant now) {
  if (side.known.front() != roster_->self()) return;
  if (!side.majority || !HaveTold(limit, side)) return;
  std::vector<HostId> gone;
  for (const auto& [host, rights] : limit.rights.rights())
    if (rights > 0 && roster_->IsGone(host, now)) gone.push_back(host);
  for (const HostId host : gone) limit.rights.Seize(roster_->self(), host);
  if (!gone.empty()) Touch(limit);
}

// In the order in which they come to a slot that cannot be divided: who got the fewest so far is
// the last. But one that has any, and not for long, stays the last, so that no slot is on its way
// all the time.
std::vector<HostNeed> SlotExchange::NeedsOf(const Limit& limit, const SlotRoster::Side& side,
                                            Instant now) const {
  std::vector<HostNeed> out;
  for (const HostId host : side.hosts) {
    const bool self = host == roster_->self();
    const ToldNeed& need = self ? limit.need : limit.others.at(host).need;
    out.push_back({host, limit.rights.RightsOf(host), need.held, need.wanted});
  }
  const bool keeps = now < limit.gained_at + kTurn;
  const auto rank = [&](const HostNeed& need) {
    if (need.host != roster_->self()) return std::pair(1, ~limit.rights.ReceivedBy(need.host));
    return std::pair(keeps ? 2 : 0, uint64_t{0});
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const HostNeed& a, const HostNeed& b) { return rank(a) < rank(b); });
  return out;
}

void SlotExchange::PlanOne(Limit& limit, const SlotRoster::Side& all, SlotLedger& ledger,
                           Instant now) {
  const HostId self = roster_->self();
  const SlotRoster::Side side = SideOf(limit, all, now);
  const bool first = side.hosts.front() == self;
  const uint64_t slots = LowestLimit(limit, side);
  if (std::exchange(limit.at_once, false)) MakeAtOnce(limit, all);
  Unmake(limit, side, first, slots);
  TakeFromGone(limit, side, now);
  MakeUp(limit, side, slots, now);
  const bool alone = all.hosts.size() == 1;
  limit.settled |= alone ? all.whole() || now >= limit.since + kMissingWait : HaveTold(limit, all);
  const std::vector<HostNeed> needs = NeedsOf(limit, side, now);
  limit.gifts.clear();
  if (limit.settled) {
    limit.gifts = PlanGifts(needs, self, LeastSlots(slots, side.hosts.size()));
    if (first)  // Nobody else pays what one owes that is gone.
      for (const auto& [host, rights] : limit.rights.rights())
        if (rights < 0 && roster_->IsGone(host, now))
          limit.gifts.push_back({host, static_cast<uint64_t>(-rights)});
  }
  limit.due |= !limit.gifts.empty();
  const uint64_t usable = Usable(limit, side, needs, slots, now);
  const uint64_t kept = std::min(usable, ledger.TotalExposure(limit.key));
  ledger.SetRights(limit.key, limit.settled || limit.sure ? usable : kept);
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
      Touch(limit);
    }
  }
}

std::optional<SlotExchange::Share> SlotExchange::Look(const BackendKey& key, Instant now) const {
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
    const auto told = limit.others.find(host);
    if (told != limit.others.end() && roster_->IsHeard(host, now)) {
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
