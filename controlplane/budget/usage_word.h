// What a host tells all others of the clients that share limits, as bytes: one datagram. Pure;
// threading: none.
//
// Counts are absolute, so that a lost word needs no repair, and 32 bits of them, so that 60 clients
// fit. All numbers are big-endian; rates are logarithms. The watermark has the place of a client
// whom nobody can be (all bits of the prefix are set), of a rule 0: hosts of an earlier version
// find no such rule and leave it out, so that both versions understand each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/budget/host_book.h"
#include "controlplane/budget/rule_hash.h"

namespace lb::controlplane {

struct UsageWord {
  struct Client {
    uint32_t rule = 0;  // HashOfRule.
    uint64_t prefix = 0;
    double demand_per_s = 0;  // To within a thousandth; at most kMaxRate.
    double slow_demand_per_s = 0;
    uint32_t used = 0;  // Modulo 2^32.
    bool young = false;
  };
  HostBook::Told told;
  // Of those that there was no room for: the most that one is asked for, of its limit's rate; 0:
  // there are none, or less than a thousandth.
  double watermark_ratio = 0;
  std::vector<Client> clients;
};

// Clients of one word, so that it fits into a packet of 1,400 bytes when it is sealed.
inline constexpr size_t kMaxUsageClients = 60;
inline constexpr double kMaxUsageRate = 4e9;

// At most kMaxUsageClients clients; one less with a watermark.
std::string EncodeUsage(const UsageWord& word);

// Absent: malformed, of another version, or too long.
std::optional<UsageWord> DecodeUsage(std::string_view bytes);

}  // namespace lb::controlplane
