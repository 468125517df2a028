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

absl::Status Failed(const char* key, const Endpoint& bind, const error_code& error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cluster.", key, " ", bind.ToString(), ": ", error.message()));
}

error_code BindUdp(const Endpoint& bind, asio::ip::udp::socket& socket) {
  const asio::ip::udp::endpoint at(asio::ip::make_address(bind.host()), bind.port());
  error_code error;
  socket.open(at.protocol(), error);
  if (!error) socket.bind(at, error);
  if (error) return error;
  socket.non_blocking(true);
  // As much as the kernel allows is good enough.
  error_code ignored;
  socket.set_option(asio::socket_base::receive_buffer_size(kReceiveBufferBytes), ignored);
  return error;
}

absl::StatusOr<GossipSockets> TryOpen(asio::io_context& io, const Endpoint& bind,
                                      const std::optional<Endpoint>& usage) {
  const asio::ip::address ip = asio::ip::make_address(bind.host());
  GossipSockets sockets{asio::ip::udp::socket(io), asio::ip::tcp::acceptor(io),
                        asio::ip::udp::socket(io), bind};
  error_code error;
  const asio::ip::tcp::endpoint at(ip, bind.port());
  sockets.tcp.open(at.protocol(), error);
  if (!error) sockets.tcp.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) sockets.tcp.bind(at, error);
  if (!error) sockets.tcp.listen(asio::socket_base::max_listen_connections, error);
  if (error) return Failed("bind_addr", bind, error);
  const uint16_t port = sockets.tcp.local_endpoint().port();
  sockets.bound = *Endpoint::FromIp(bind.host(), port);
  if (error = BindUdp(sockets.bound, sockets.udp); error)
    return Failed("bind_addr", sockets.bound, error);
  const int next = bind.port() == 0 ? 0 : (port + 1) % (UINT16_MAX + 1);
  const Endpoint other =
      usage.value_or(*Endpoint::FromIp(bind.host(), static_cast<uint16_t>(next)));
  if (error = BindUdp(other, sockets.usage); error) return Failed("usage_bind_addr", other, error);
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

absl::StatusOr<GossipSockets> OpenGossipSockets(asio::io_context& io, const Endpoint& bind,
                                                const std::optional<Endpoint>& usage) {
  absl::StatusOr<GossipSockets> sockets = TryOpen(io, bind, usage);
  for (int tries = 1; tries < kTries && !sockets.ok() && bind.port() == 0; ++tries)
    sockets = TryOpen(io, bind, usage);
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
