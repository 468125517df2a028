// Tells other hosts what bandwidth is used here of the limits that all share, and takes their word:
// what makes one limit of those of all hosts. Pure; threading: none.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/bandwidth_word.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {

class BandwidthExchange final {
 public:
  static constexpr std::chrono::milliseconds kEvery{200};
  // Texts sent at once: with kEvery a bound on what this channel takes.
  static constexpr size_t kTextsPerWord = 4;
  static constexpr size_t kUsesPerWord = kTextsPerWord * kUsesOfBandwidthText;
  // Uses that others are told of in one round, the busiest, what is over and news: each about once
  // in 1.6 s, before they forget it. Workers keep to their even part of the others.
  static constexpr size_t kMaxTold = 8 * kUsesPerWord;

  // `channel` outlives this.
  explicit BandwidthExchange(HostChannel& channel) : channel_(channel) {}

  // The channel began anew: nothing is known of other hosts.
  void Begin(BandwidthLedger& ledger);

  // Takes a word of bandwidth; false: it is dropped, and counted where it makes no sense.
  bool Receive(const HostChannel::Word& word, BandwidthLedger& ledger, Instant now);

  // Sends what is due.
  void Step(BandwidthLedger& ledger, Instant now, std::vector<HostChannel::Datagram>& out);
  Instant NextDeadline(const BandwidthLedger& ledger, Instant now) const;

 private:
  void BeginRound(BandwidthLedger& ledger);
  std::vector<BandwidthUse> TakeWord(BandwidthLedger& ledger, Instant now);
  bool HasAny(const BandwidthLedger& ledger) const;

  HostChannel& channel_;
  Instant tell_at_{};
  std::deque<BandwidthId> round_;  // Not told yet in this round.
  std::set<BandwidthId> told_;     // That others may still count.
  size_t room_ = 0;                // For news, in this round.
};

}  // namespace lb::controlplane
