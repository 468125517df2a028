// Who may connect to a rule: its allow and deny lists, laid out for one fast look.
//
// The longest network that holds the address decides. Where none does, an address is refused when
// there is an allow list, else let in. Networks that lie within each other are resolved when the
// list is made, to the sorted starts of ranges that are in turn let in and refused; a look is one
// binary search among them. IPv4 clients, in IPv6 form too, meet IPv4 networks only, and IPv6
// clients IPv6 ones. Immutable; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"

namespace lb::dataplane {

class AccessList final {
 public:
  // Of both lists together. A network has at most two borders of its own, so that the most a list
  // takes is 0.8 MB when all are IPv4, 3.2 MB when all are IPv6.
  static constexpr size_t kMaxNetworks = 100'000;

  struct Networks {
    std::vector<std::string> allow;  // "10.0.0.0/8", "fd00::/8", or an address.
    std::vector<std::string> deny;
  };

  // InvalidArgument names what is wrong: no network, one in both lists, too many.
  static absl::StatusOr<AccessList> Make(const Networks& networks);

  // False when a client of this address is refused. An AF_INET or AF_INET6 address.
  bool Allows(const SocketAddress& client) const;

  // True when nobody is refused.
  bool AllowsEverybody() const { return v4_.AllowsAll() && v6_.AllowsAll(); }

  // Of the ranges.
  size_t bytes() const { return v4_.bytes() + v6_.bytes(); }

  friend bool operator==(const AccessList&, const AccessList&) = default;

 private:
  // The ranges of one address family.
  template <typename Address>
  struct Ranges {
    bool Allows(Address address) const;
    bool AllowsAll() const { return starts.size() == 1 && first_allowed; }
    size_t bytes() const { return starts.size() * sizeof(Address); }
    friend bool operator==(const Ranges&, const Ranges&) = default;

    std::vector<Address> starts;  // Sorted; the first is 0. Range by range the verdict changes.
    bool first_allowed = true;
  };
  template <typename Address>
  struct Network;
  class Reader;

  // `networks` in any order.
  template <typename Address>
  static Ranges<Address> Flatten(std::vector<Network<Address>> networks, bool allowed_otherwise);

  AccessList() = default;

  Ranges<uint32_t> v4_;
  Ranges<absl::uint128> v6_;
};

}  // namespace lb::dataplane
