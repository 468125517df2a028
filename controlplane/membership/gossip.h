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
#include "controlplane/membership/key_mark.h"
#include "controlplane/membership/serf_query.h"
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

// An address that sent what only another cluster's members send: with another key or label.
struct Stranger {
  std::string ip;  // 4 or 16 bytes.
  WireError why = WireError::kNone;
  uint64_t packets = 0;  // Or connections.
};
// Of one Dropped; who else sent in the meantime is only counted.
inline constexpr size_t kMaxStrangersTold = 64;

// How much was dropped since the start, by WireError, and whose it was since the last word.
struct Dropped {
  std::array<uint64_t, kWireErrors> totals{};
  std::vector<Stranger> strangers{};  // At most kMaxStrangersTold.
};

// Somebody's packets are strange: what to tell an operator.
struct StrangersHeard {
  std::string text;
};

// This member said that it goes, as it was asked to (Cluster::Leave).
struct LeftCluster {};

// Somebody ordered to change the keys, and this member did so, or why it did not.
struct KeysOrdered {
  KeyVerb verb = KeyVerb::kList;
  KeyMark key;
  std::string by;     // The member who asked for it, as it calls itself.
  std::string error;  // Empty: it is done.
};

// What orders made of the keys holds no more: the configuration has other ones now.
struct KeyOrdersDropped {};

// The end of an order of this host (KeyTalk::Ask).
struct KeysAnswered {
  struct Row {
    std::string member;
    bool answered = false;
    bool done = false;
    std::string error{};          // Of one that answered.
    std::vector<KeyMark> keys{};  // Empty: it does not tell.
    std::string primary{};        // The fingerprint of the one that seals; empty: not told.
  };
  uint64_t round = 0;
  std::vector<Row> rows;  // By member, this one too.
};

using ClusterEvent =
    std::variant<GossipOpened, Dropped, UsageIn, PacketIn, StreamIn, ExchangeDone, TimerFired>;
using ClusterAction = std::variant<SendUsage, OpenGossip, SetGossipKeys, CloseGossip, SendPacket,
                                   StartExchange, StreamReply, MemberNotice, LeftCluster,
                                   KeysOrdered, KeyOrdersDropped, KeysAnswered, StrangersHeard>;

}  // namespace lb::controlplane::swim
