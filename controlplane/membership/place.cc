#include "controlplane/membership/place.h"

#include <arpa/inet.h>

#include <array>
#include <string_view>

#include "absl/strings/match.h"
#include "base/check.h"

namespace lb::controlplane::swim {
namespace {

constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

}  // namespace

Address AddressOf(const Endpoint& endpoint) {
  LB_CHECK(endpoint.kind() == Endpoint::Kind::kIp);
  const bool v6 = endpoint.IsIpv6();
  std::string ip(v6 ? kIpv6Bytes : kIpv4Bytes, '\0');
  LB_CHECK(inet_pton(v6 ? AF_INET6 : AF_INET, endpoint.host().c_str(), ip.data()) == 1);
  return {std::move(ip), endpoint.port()};
}

Endpoint EndpointOf(const Address& address) {
  const bool v6 = address.ip.size() == kIpv6Bytes;
  LB_CHECK(v6 || address.ip.size() == kIpv4Bytes);
  std::array<char, INET6_ADDRSTRLEN> text{};
  LB_CHECK(inet_ntop(v6 ? AF_INET6 : AF_INET, address.ip.data(), text.data(), text.size()) !=
           nullptr);
  const absl::StatusOr<Endpoint> endpoint = Endpoint::FromIp(text.data(), address.port);
  LB_CHECK(endpoint.ok());
  return *endpoint;
}

bool IsLoopback(const Endpoint& endpoint) {
  return endpoint.host() == "::1" || absl::StartsWith(endpoint.host(), "127.");
}

}  // namespace lb::controlplane::swim
