// Who sends what cannot be a member's of this cluster, since its key or label is another one, so
// that a mistake in a configuration gets an address. Bounded, however many addresses send, which
// may all be forged. Pure; threading: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// Packets and connections of about the last minute.
class MinuteCount final {
 public:
  void Add(uint64_t count, Instant now);
  uint64_t Sum(Instant now) const;

 private:
  static constexpr std::chrono::seconds kSlice{10};
  struct Slice {
    int64_t number = -1;
    uint64_t count = 0;
  };
  std::array<Slice, 6> slices_{};
};

class StrangerBook final {
 public:
  // Addresses that are told apart; a configured peer takes the place of one that is none.
  static constexpr size_t kMaxAddresses = 64;
  // News wait so long for others, and come so often at most.
  static constexpr std::chrono::seconds kGather{5};
  static constexpr std::chrono::minutes kNewsEvery{1};
  // One address is news again after so long, or when it is strange in another way.
  static constexpr std::chrono::minutes kAgainAfter{10};
  // Addresses that a piece of news names.
  static constexpr size_t kMaxNamed = 4;

  // `peers`: the addresses of configured ones, without ports.
  void Note(const std::vector<Stranger>& strangers, const std::set<std::string>& peers,
            Instant now);
  // What was wrong may be so no more.
  void Clear();
  // A member of this address (its bytes) is here: what it sent before counts no more.
  void Forgive(const std::string& ip) { entries_.erase(ip); }

  struct Row {
    std::string address;  // "10.0.0.3"
    std::string what;     // "10.0.0.3 seals with another key"
    uint64_t packets = 0;
  };
  struct Strangers {
    std::vector<Row> rows;  // The busiest first.
    uint64_t others = 0;    // Packets of addresses that there was no room for.
  };
  // Who sent something within the last minute.
  Strangers Look(Instant now) const;

  // What is to be told now; absent: nothing.
  std::optional<std::string> TakeNews(Instant now);
  Instant NextDeadline() const { return news_at_.value_or(Instant::max()); }

 private:
  struct Entry {
    WireError why = WireError::kNone;
    bool peer = false;
    MinuteCount packets;
    std::optional<Instant> told_at{};
  };

  Entry* Find(const std::string& ip, bool peer, Instant now);

  std::map<std::string, Entry> entries_;  // By the bytes of the address.
  MinuteCount others_;
  std::optional<Instant> news_at_;
  std::optional<Instant> told_at_;
};

// "seals with another key (37 packets in the last minute)"
std::string Describe(const StrangerBook::Row& row);

}  // namespace lb::controlplane::swim
