// A range of IP addresses, "10.0.0.0/8" or "fd00::/16" (RFC 4632, RFC 4291 2.3). Plain value;
// threading: none.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/endpoint.h"

namespace lb {

class Cidr final {
 public:
  // Parses ADDRESS/BITS, or ADDRESS alone for just that one. InvalidArgument names what is wrong:
  // no address, too many bits, or bits set behind the prefix.
  static absl::StatusOr<Cidr> Parse(std::string_view text);

  // True for an address in the range. IPv4 addresses in IPv6 form (::ffff:10.0.0.1) count as IPv4,
  // and are in no range of IPv6 addresses, ::/0 among them.
  bool Contains(const SocketAddress& address) const;

  // The first address, IPv4 ones in IPv6 form, and how many bits of that form are fixed.
  const std::array<uint8_t, 16>& prefix() const { return prefix_; }
  unsigned bits() const { return bits_; }
  // ADDRESS/BITS, IPv4 ranges as such; Parse gives an equal value.
  std::string ToString() const;
  // True for a range of IPv4 addresses, in IPv6 form too.
  bool IsIpv4() const;

  friend bool operator==(const Cidr&, const Cidr&) = default;
  friend auto operator<=>(const Cidr&, const Cidr&) = default;

 private:
  std::array<uint8_t, 16> prefix_{};  // IPv4 addresses in IPv6 form.
  unsigned bits_ = 0;                 // Of the IPv6 form: 96 more for IPv4.
};

}  // namespace lb
