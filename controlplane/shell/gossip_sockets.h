// The listening sockets of a member: UDP and TCP on one port. Threading: none.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "controlplane/membership/gossip.h"

namespace lb::controlplane {

struct GossipSockets {
  boost::asio::ip::udp::socket udp;
  boost::asio::ip::tcp::acceptor tcp;
  Endpoint bound;  // With the port, where the kernel chose it.
};

// Opens both. The error names the address.
absl::StatusOr<GossipSockets> OpenGossipSockets(boost::asio::io_context& io, const Endpoint& bind);

// Where others reach what is bound there: `bound` itself or, where it is all addresses, one of this
// host: a private IPv4 address before others, and loopback last. FailedPrecondition: there is none.
absl::StatusOr<Endpoint> AddressForOthers(const Endpoint& bound);

}  // namespace lb::controlplane
