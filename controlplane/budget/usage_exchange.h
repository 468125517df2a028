// Tells other hosts what clients ask for here and have used, and takes their word: what makes one
// rate limit of those of all hosts. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/host_book.h"
#include "controlplane/budget/rate_ledger.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {

class UsageExchange final {
 public:
  static constexpr std::chrono::milliseconds kEvery{200};
  // What cannot wait is told so soon after the last word; later, up to kEvery, where words to all
  // hosts would be more than kMaxBytesPerS.
  static constexpr std::chrono::milliseconds kNewsAfter{50};
  static constexpr double kMaxBytesPerS = 125'000;
  static constexpr double kMaxWordBytes = 1'400;

  // `channel` outlives this.
  explicit UsageExchange(HostChannel& channel) : channel_(channel) {}

  // The channel began anew, as this host or, with none, without a cluster.
  void Begin(Instant now);
  void SetSettings(const HostBook::Settings& settings);

  // The channel has other hosts.
  void NoteHosts();
  // How many hosts there should be, by the configuration.
  void SetSeeds(size_t seeds);
  void Failed(const std::string& host, Instant now);
  void Left(const std::string& host, RateLedger& ledger);

  // Takes a word of usage; false: it is dropped, and counted where it makes no sense.
  bool Receive(const HostChannel::Word& word, RateLedger& ledger, Instant now);

  // Sends what is due, and says how the others count by now.
  void Step(RateLedger& ledger, Instant now, std::vector<HostChannel::Datagram>& out);
  Instant NextDeadline(const RateLedger& ledger, Instant now) const;

  // Clients that were told of, in all words.
  uint64_t clients_sent() const { return clients_sent_; }
  // Null: there is no cluster.
  const HostBook* book() const { return book_ ? &*book_ : nullptr; }

 private:
  RateParts::Others Others(const RateLedger& ledger, Instant now) const;
  Duration NewsAfter() const;
  std::string Word(RateLedger& ledger, Instant now);

  HostChannel& channel_;
  HostBook::Settings settings_;
  std::optional<HostBook> book_;
  Instant tell_at_{};
  Instant told_at_{};
  uint64_t clients_sent_ = 0;
};

}  // namespace lb::controlplane
