// What the parts that have sockets are told, and tell. Plain values; threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "controlplane/membership/event.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// How datagrams and connections are sealed.
struct GossipKeys {
  std::string label;
  std::vector<std::string> keys{};  // Good ones (KeyRing::Make), the first seals; none: open.

  friend bool operator==(const GossipKeys&, const GossipKeys&) = default;
};

// Listen, UDP and TCP, instead of where it was listened before. Exactly one GossipOpened follows.
struct OpenGossip {
  uint64_t generation = 0;
  Endpoint bind;
  std::optional<Endpoint> advertise{};  // Absent: an address of this host.
  std::optional<Endpoint> usage{};      // For usage; absent: `bind` with the next port.
  GossipKeys keys{};
};

// Other keys from now on.
struct SetGossipKeys {
  GossipKeys keys;
};

// Listen no more.
struct CloseGossip {};

struct GossipOpened {
  uint64_t generation = 0;
  absl::Status status;
  Address address{};  // Where others reach it.
  uint16_t usage_port = 0;
};

// A datagram about usage, sealed (UsageSealer).
struct SendUsage {
  Address to;
  std::string bytes;
};
struct UsageIn {
  std::string bytes;
};

// How much was dropped since the start, by WireError.
struct Dropped {
  std::array<uint64_t, kWireErrors> totals{};
};

// This member said that it goes, as it was asked to (Cluster::Leave).
struct LeftCluster {};

using ClusterEvent =
    std::variant<GossipOpened, Dropped, UsageIn, PacketIn, StreamIn, ExchangeDone, TimerFired>;
using ClusterAction = std::variant<SendUsage, OpenGossip, SetGossipKeys, CloseGossip, SendPacket,
                                   StartExchange, StreamReply, MemberNotice, LeftCluster>;

}  // namespace lb::controlplane::swim
