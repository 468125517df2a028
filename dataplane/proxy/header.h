// A PROXY header as values: who the client of a connection is that came through another proxy.
//
// Source: "The PROXY protocol, versions 1 & 2" (haproxy.org/download/2.6/doc/proxy-protocol.txt).
// Plain values; threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/endpoint.h"

namespace lb::dataplane::proxy {

// An IP address and port.
struct Address {
  std::array<uint8_t, 16> ip{};  // IPv4 in its IPv6 form (RFC 4291 2.5.5.2).
  uint16_t port = 0;

  // Of an AF_INET or AF_INET6 address.
  static Address From(const SocketAddress& address);
  static Address FromIpv4(const uint8_t* bytes, uint16_t port);

  bool IsIpv4() const;
  SocketAddress ToSocketAddress() const;

  friend bool operator==(const Address&, const Address&) = default;
};

struct Header {
  // False (version 1 UNKNOWN, version 2 LOCAL, families other than TCP over IP): the socket's own
  // addresses are meant.
  bool has_addresses = false;
  Address source;       // The client.
  Address destination;  // What it connected to.
  std::string tlvs;     // Well-formed, see tlv.h. Version 2 only, and not of LOCAL.

  friend bool operator==(const Header&, const Header&) = default;
};

}  // namespace lb::dataplane::proxy
