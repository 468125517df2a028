// The sockets of a member: UDP and TCP on one port, and UDP for usage. Threading: none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <optional>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "controlplane/membership/gossip.h"

namespace lb::controlplane {

struct GossipSockets {
  boost::asio::ip::udp::socket udp;
  boost::asio::ip::tcp::acceptor tcp;
  boost::asio::ip::udp::socket usage;
  Endpoint bound;  // With the port, where the kernel chose it.
};

// Opens them, and one for usage: at `usage` or else at the port behind the bound one (any port,
// where the kernel chose that). The error names the address.
absl::StatusOr<GossipSockets> OpenGossipSockets(boost::asio::io_context& io, const Endpoint& bind,
                                                const std::optional<Endpoint>& usage);

// Where others reach what is bound there: `bound` itself or, where it is all addresses, one of this
// host: a private IPv4 address before others, and loopback last. FailedPrecondition: there is none.
absl::StatusOr<Endpoint> AddressForOthers(const Endpoint& bound);

}  // namespace lb::controlplane
