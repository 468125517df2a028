// Who one client is to a limit: the leading bits of its address, as one word.
//
// An IPv6 client has at most 64 bits: the host part of an address is free for its owner to choose,
// so longer prefixes would tell one client from itself (RFC 4291 2.5.4). Plain values; threading:
// none.
#pragma once

#include <cstdint>
#include <string>

#include "base/endpoint.h"

namespace lb::dataplane {

// How many leading bits of an address make the client.
struct PrefixLengths {
  uint32_t ipv4 = 32;  // 8 to 32
  uint32_t ipv6 = 64;  // 16 to 64

  friend bool operator==(const PrefixLengths&, const PrefixLengths&) = default;
};

// The first 64 bits of an IPv6 prefix, or an IPv4 prefix behind 0000:ffff, which no IPv6 client has
// (RFC 4291 2.4: 0000::/8 is not given out).
using ClientPrefix = uint64_t;

// The client that connects from `address`; an IPv4 address in IPv6 form (::ffff:10.0.0.1) is an
// IPv4 client. All clients of unix sockets are one.
ClientPrefix PrefixOf(const SocketAddress& address, const PrefixLengths& lengths);

// "10.1.2.3", "10.1.0.0/16", "fd00:1:2:3::/64"
std::string PrefixText(ClientPrefix prefix, const PrefixLengths& lengths);

}  // namespace lb::dataplane
