// Tells other hosts what clients ask for here and have used, and takes their word: what makes one
// rate limit of those of all hosts. Pure: datagrams go out and come in as values. Threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/host_book.h"
#include "controlplane/budget/rate_ledger.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/usage_seal.h"

namespace lb::controlplane {

class UsageExchange final {
 public:
  static constexpr std::chrono::milliseconds kEvery{200};
  // What cannot wait is told so soon after the last word.
  static constexpr std::chrono::milliseconds kNewsAfter{50};

  struct Self {
    std::string name;
    swim::Life life = 0;
    std::string label;
    std::vector<std::string> keys{};  // See GossipKeys.
    friend bool operator==(const Self&, const Self&) = default;
  };
  struct Host {
    std::string name;
    swim::Address address;  // Of its usage port.
    swim::Life life = 0;
    friend bool operator==(const Host&, const Host&) = default;
  };
  struct Datagram {
    swim::Address to;
    std::string bytes;
  };
  struct Counters {
    uint64_t sent = 0;
    uint64_t sent_bytes = 0;
    uint64_t received = 0;
    uint64_t clients_sent = 0;
    std::array<uint64_t, 6> refused{};  // By swim::UsageError.
  };

  // Absent: there is no cluster. Other keys alone go on with what is known.
  void SetSelf(const std::optional<Self>& self, Instant now);
  void SetSettings(const HostBook::Settings& settings);

  // The members that share limits, as they are now.
  void SetHosts(std::vector<Host> hosts);
  // How many hosts there should be, by the configuration.
  void SetSeeds(size_t seeds);
  void Failed(const std::string& host, Instant now);
  void Left(const std::string& host, RateLedger& ledger);

  // Takes a datagram; false: it is dropped, and counted.
  bool Receive(std::string_view datagram, RateLedger& ledger, Instant now);

  // What is due, and how the others count by now.
  std::vector<Datagram> Step(RateLedger& ledger, Instant now);
  Instant NextDeadline(const RateLedger& ledger, Instant now) const;

  const std::vector<Host>& hosts() const { return hosts_; }
  const Counters& counters() const { return counters_; }
  // Null: there is no cluster.
  const HostBook* book() const { return book_ ? &*book_ : nullptr; }

 private:
  RateParts::Others Others(Instant now) const;
  std::string Word(RateLedger& ledger, Instant now);

  std::optional<Self> self_;
  HostBook::Settings settings_;
  std::optional<HostBook> book_;
  std::optional<swim::UsageSealer> sealer_;
  std::optional<swim::UsageOpener> opener_;
  std::vector<Host> hosts_;
  Instant tell_at_{};
  Instant told_at_{};
  Counters counters_;
};

}  // namespace lb::controlplane
