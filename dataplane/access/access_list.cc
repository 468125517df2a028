#include "dataplane/access/access_list.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/cidr.h"
#include "base/status_macros.h"

namespace lb::dataplane {
namespace {

constexpr unsigned kMappedBits = 96;  // In front of an IPv4 address in IPv6 form.

absl::uint128 Number(const std::array<uint8_t, 16>& bytes) {
  absl::uint128 number = 0;
  for (const uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace

template <typename Address>
struct AccessList::Network {
  Address first;
  Address last;
  bool allowed;
};

template <typename Address>
bool AccessList::Ranges<Address>::Allows(Address address) const {
  // The last start that is not above the address, without a branch that depends on it.
  const Address* base = starts.data();
  size_t left = starts.size();
  while (left > 1) {
    const size_t half = left / 2;
    base = base[half] <= address ? base + half : base;
    left -= half;
  }
  return ((base - starts.data()) % 2 == 0) == first_allowed;
}

template <typename Address>
AccessList::Ranges<Address> AccessList::Flatten(std::vector<Network<Address>> networks,
                                                bool allowed_otherwise) {
  // Those around others come before them.
  std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  std::vector<std::pair<Address, bool>> borders = {{Address(0), allowed_otherwise}};
  const auto begin = [&borders](Address at, bool allowed) {
    if (borders.back().first == at)
      borders.back().second = allowed;
    else
      borders.emplace_back(at, allowed);
  };
  std::vector<const Network<Address>*> around;  // Those that hold the place that was reached.
  const auto leave = [&] {
    const Address last = around.back()->last;
    around.pop_back();
    const Address next = last + 1;
    if (next != 0) begin(next, around.empty() ? allowed_otherwise : around.back()->allowed);
  };
  for (const Network<Address>& network : networks) {
    while (!around.empty() && around.back()->last < network.first) leave();
    around.push_back(&network);
    begin(network.first, network.allowed);
  }
  while (!around.empty()) leave();

  Ranges<Address> ranges;
  ranges.first_allowed = borders.front().second;
  bool allowed = !ranges.first_allowed;
  for (const auto& [start, verdict] : borders)
    if (std::exchange(allowed, verdict) != verdict) ranges.starts.push_back(start);
  ranges.starts.shrink_to_fit();
  return ranges;
}

// Reads networks and sorts them by family.
class AccessList::Reader final {
 public:
  absl::Status Add(const std::vector<std::string>& texts, bool allowed) {
    for (const std::string& text : texts) {
      LB_ASSIGN_OR_RETURN(const Cidr cidr, Cidr::Parse(text));
      all_.emplace_back(cidr, allowed);
      if (cidr.IsIpv4())
        v4_.push_back(NetworkOf<uint32_t>(cidr, cidr.bits() - kMappedBits, allowed));
      else
        v6_.push_back(NetworkOf<absl::uint128>(cidr, cidr.bits(), allowed));
    }
    return absl::OkStatus();
  }

  // InvalidArgument for a network that is let in and refused.
  absl::Status CheckContradictions() {
    std::sort(all_.begin(), all_.end());
    const auto at = std::adjacent_find(all_.begin(), all_.end(), [](const auto& a, const auto& b) {
      return a.first == b.first && a.second != b.second;
    });
    if (at == all_.end()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("'", at->first.ToString(), "' is in the allow and in the deny list"));
  }

  std::vector<Network<uint32_t>>& v4() { return v4_; }
  std::vector<Network<absl::uint128>>& v6() { return v6_; }

 private:
  template <typename Address>
  static Network<Address> NetworkOf(const Cidr& cidr, unsigned bits, bool allowed) {
    constexpr unsigned kBits = sizeof(Address) * 8;
    const auto first = static_cast<Address>(Number(cidr.prefix()));
    // A shift by all bits is not defined.
    const Address behind =
        bits == 0 ? ~Address(0) : (Address(1) << static_cast<int>(kBits - bits)) - 1;
    return {first, first | behind, allowed};
  }

  std::vector<std::pair<Cidr, bool>> all_;
  std::vector<Network<uint32_t>> v4_;
  std::vector<Network<absl::uint128>> v6_;
};

absl::StatusOr<AccessList> AccessList::Make(const Networks& networks) {
  const size_t count = networks.allow.size() + networks.deny.size();
  if (count > kMaxNetworks)
    return absl::InvalidArgumentError(absl::StrCat(count, " networks; at most ", kMaxNetworks));
  Reader reader;
  LB_RETURN_IF_ERROR(reader.Add(networks.allow, true));
  LB_RETURN_IF_ERROR(reader.Add(networks.deny, false));
  LB_RETURN_IF_ERROR(reader.CheckContradictions());
  const bool allowed_otherwise = networks.allow.empty();
  AccessList list;
  list.v4_ = Flatten(std::move(reader.v4()), allowed_otherwise);
  list.v6_ = Flatten(std::move(reader.v6()), allowed_otherwise);
  return list;
}

bool AccessList::Allows(const SocketAddress& client) const {
  if (client.family() == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &client.storage, sizeof in);
    return v4_.Allows(ntohl(in.sin_addr.s_addr));
  }
  LB_CHECK(client.family() == AF_INET6);
  std::array<uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(client.storage).sin6_addr,
              bytes.size());
  const absl::uint128 address = Number(bytes);
  constexpr absl::uint128 kMapped = 0xffff;
  if ((address >> 32) == kMapped) return v4_.Allows(static_cast<uint32_t>(address));
  return v6_.Allows(address);
}

}  // namespace lb::dataplane
