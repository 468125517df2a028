#include "controlplane/budget/bandwidth_exchange.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace lb::controlplane {

void BandwidthExchange::Begin(BandwidthLedger& ledger) {
  ledger.ForgetHosts();
  round_.clear();
  told_.clear();
  room_ = 0;
}

bool BandwidthExchange::Receive(const HostChannel::Word& received, BandwidthLedger& ledger,
                                Instant now) {
  const std::optional<std::vector<BandwidthUse>> uses = DecodeBandwidths(received.text);
  if (!uses) {
    channel_.CountMalformed();
    return false;
  }
  ledger.ReportHost(received.host, *uses, now);
  return true;
}

// In the order of their numbers, so that each has about the same place in every round: the time
// from one word of it to the next is that of one round, not of up to two. What is over has half of
// the room beside them, news the rest; others forget by themselves what is not said to be over.
void BandwidthExchange::BeginRound(BandwidthLedger& ledger) {
  const std::vector<BandwidthId> busiest = ledger.BeginRound(kMaxTold);
  const std::set<BandwidthId> before =
      std::exchange(told_, std::set<BandwidthId>(busiest.begin(), busiest.end()));
  room_ = kMaxTold - told_.size();
  for (const BandwidthId id : before)
    if (!told_.contains(id) && round_.size() < room_ / 2) round_.push_back(id);
  room_ -= round_.size();
  round_.insert(round_.end(), told_.begin(), told_.end());
}

// What began of late goes first: others have all of it until they hear.
std::vector<BandwidthUse> BandwidthExchange::TakeWord(BandwidthLedger& ledger, Instant now) {
  if (round_.empty()) BeginRound(ledger);
  std::vector<BandwidthId> ids = ledger.TakeNews(std::min(room_, kUsesPerWord));
  room_ -= ids.size();
  std::set<BandwidthId> in_word(ids.begin(), ids.end());
  told_.insert(ids.begin(), ids.end());
  for (; ids.size() < kUsesPerWord && !round_.empty(); round_.pop_front())
    if (in_word.insert(round_.front()).second) ids.push_back(round_.front());
  std::vector<BandwidthUse> uses;
  for (const BandwidthId id : ids) {
    const bool over = !told_.contains(id);
    const std::optional<BandwidthUse> use = over ? std::nullopt : ledger.Tell(id, now);
    if (!use) told_.erase(id);
    uses.push_back(use.value_or(BandwidthUse{.id = id, .upload = {}, .download = {}}));
  }
  return uses;
}

bool BandwidthExchange::HasAny(const BandwidthLedger& ledger) const {
  return ledger.has_shared() || !round_.empty() || !told_.empty();
}

void BandwidthExchange::Step(BandwidthLedger& ledger, Instant now,
                             std::vector<HostChannel::Datagram>& out) {
  if (channel_.hosts().empty() || now < tell_at_ || !HasAny(ledger)) return;
  tell_at_ = now + kEvery;
  for (const std::string& text : EncodeBandwidths(TakeWord(ledger, now))) channel_.ToAll(text, out);
}

Instant BandwidthExchange::NextDeadline(const BandwidthLedger& ledger, Instant now) const {
  return channel_.hosts().empty() || !HasAny(ledger) ? Instant::max() : std::max(tell_at_, now);
}

}  // namespace lb::controlplane
