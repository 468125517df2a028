// What a host tells the others of ticket keys, as bytes: all that it has. Never logged or stored.
// Pure; threading: none.
//
// The kind and version (1 byte), the number of keys (1); of each its name, its secret, its age in
// milliseconds (4, big-endian): clocks of hosts have nothing in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controlplane/tls/ticket_ring.h"

namespace lb::controlplane {

// With the ages that they have now; at most TicketRing::kMaxKeys. Wipe it after use.
std::string EncodeTickets(const std::vector<TicketKey>& keys, Instant now);

// The keys, as old now as they are said to be. Absent: malformed, of another version, too many, or
// a name twice.
std::optional<std::vector<TicketKey>> DecodeTickets(std::string_view bytes, Instant now);

}  // namespace lb::controlplane
