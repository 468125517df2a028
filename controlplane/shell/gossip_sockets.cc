#include "controlplane/shell/gossip_sockets.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/cluster_config.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Datagrams that wait while this process is busy.
constexpr int kReceiveBufferBytes = 1 << 20;
// A port that the kernel chose for TCP may be in use for UDP.
constexpr int kTries = 10;

absl::Status Failed(const Endpoint& bind, const error_code& error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cluster.bind_addr ", bind.ToString(), ": ", error.message()));
}

absl::StatusOr<GossipSockets> TryOpen(asio::io_context& io, const Endpoint& bind) {
  const asio::ip::address ip = asio::ip::make_address(bind.host());
  GossipSockets sockets{asio::ip::udp::socket(io), asio::ip::tcp::acceptor(io), bind};
  error_code error;
  const asio::ip::tcp::endpoint at(ip, bind.port());
  sockets.tcp.open(at.protocol(), error);
  if (!error) sockets.tcp.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) sockets.tcp.bind(at, error);
  if (!error) sockets.tcp.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Failed(bind, error);
  const uint16_t port = sockets.tcp.local_endpoint().port();
  const asio::ip::udp::endpoint udp(ip, port);
  sockets.udp.open(udp.protocol(), error);
  if (!error) sockets.udp.bind(udp, error);
  if (error) return Failed(bind, error);
  sockets.udp.non_blocking(true);
  // As much as the kernel allows is good enough.
  sockets.udp.set_option(asio::socket_base::receive_buffer_size(kReceiveBufferBytes), error);
  sockets.bound = *Endpoint::FromIp(bind.host(), port);
  return sockets;
}

// The lower the better; absent: not usable.
std::optional<int> RankOf(const ifaddrs& one, bool v6) {
  if (one.ifa_addr == nullptr || (one.ifa_flags & IFF_UP) == 0) return std::nullopt;
  if (one.ifa_addr->sa_family != (v6 ? AF_INET6 : AF_INET)) return std::nullopt;
  if ((one.ifa_flags & IFF_LOOPBACK) != 0) return 2;
  if (v6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(one.ifa_addr);
    return IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) ? std::nullopt : std::optional<int>(0);
  }
  const uint32_t ip = ntohl(reinterpret_cast<const sockaddr_in*>(one.ifa_addr)->sin_addr.s_addr);
  // RFC 1918: 10/8, 172.16/12, 192.168/16.
  const bool is_private =
      ip >> 24 == 10 || ip >> 20 == (172u << 4 | 1) || ip >> 16 == (192u << 8 | 168);
  return is_private ? 0 : 1;
}

}  // namespace

absl::StatusOr<GossipSockets> OpenGossipSockets(asio::io_context& io, const Endpoint& bind) {
  absl::StatusOr<GossipSockets> sockets = TryOpen(io, bind);
  for (int tries = 1; tries < kTries && !sockets.ok() && bind.port() == 0; ++tries)
    sockets = TryOpen(io, bind);
  return sockets;
}

absl::StatusOr<Endpoint> AddressForOthers(const Endpoint& bound) {
  if (!IsAnyAddress(bound)) return bound;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return absl::FailedPreconditionError("no address of this host");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  std::optional<int> best;
  absl::StatusOr<Endpoint> found = absl::FailedPreconditionError(
      "this host has no address that others could reach; set cluster.advertise_addr");
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    const std::optional<int> rank = RankOf(*one, bound.IsIpv6());
    if (!rank || (best && *best <= *rank)) continue;
    SocketAddress address;
    address.length = bound.IsIpv6() ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    std::memcpy(&address.storage, one->ifa_addr, address.length);
    absl::StatusOr<Endpoint> endpoint = Endpoint::FromSocketAddress(address);
    if (!endpoint.ok()) continue;
    best = rank;
    found = Endpoint::FromIp(endpoint->host(), bound.port());
  }
  return found;
}

}  // namespace lb::controlplane
